"""The cluster query language: what placement constraints and filters say of container instances. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cluster-query-language.html
"""

import re
from collections.abc import Callable, Mapping, Sequence

from aws_api.core.errors import AwsError

MAX_LENGTH = 2000
#: Nested parentheses beyond this are nobody's.
_MAX_DEPTH = 50
_TOKEN = re.compile(r"\s*(\(|\)|\[|\]|,|==|!=|>=|<=|=~|!~|>|<|!exists\b|&&|\|\||!(?=\s*\()|[^\s()\[\],=!<>&|]+)")
_SUBJECT = re.compile(
    r"attribute:[\w./-]{1,128}|agentConnected|agentVersion|ec2InstanceId|registeredAt|runningTasksCount|"
    r"pendingTasksCount|task:group"
)
_WORDS = {
    "equals": "==",
    "not_equals": "!=",
    "greater_than": ">",
    "greater_than_equal": ">=",
    "less_than": "<",
    "less_than_equal": "<=",
    "matches": "=~",
    "not_matches": "!~",
    "not_exists": "!exists",
    "not_in": "!in",
    "and": "&&",
    "or": "||",
    "not": "!",
}

#: What an instance is: each subject's values; a subject that it has not is absent.
Subjects = Mapping[str, Sequence[str]]
Condition = Callable[[Subjects], bool]


class BadExpression(Exception):
    """The text is no expression of the language."""


def parse(text: str) -> Condition:
    """The expression as a function of an instance's subjects. Raises BadExpression."""
    if len(text) > MAX_LENGTH:
        raise BadExpression(f"longer than {MAX_LENGTH} characters")
    return _Parser(text).whole()


def check_expression(text: str, error: type[AwsError]) -> None:
    """Raise an error for a text that is no expression."""
    try:
        parse(text)
    except BadExpression as reason:
        raise error(f"Invalid expression. Expression: {text}. Reason: {reason}") from reason


class _Parser:
    """Recursive descent: or, and, not, comparison."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._place = 0
        self._depth = 0

    def whole(self) -> Condition:
        condition = self._or()
        if self._peek():
            raise BadExpression(f"unexpected '{self._peek()}'")
        return condition

    def _or(self) -> Condition:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise BadExpression("too deeply nested")
        either = [self._and()]
        while self._take("||"):
            either.append(self._and())
        self._depth -= 1
        return lambda subjects: any(one(subjects) for one in either)

    def _and(self) -> Condition:
        every = [self._not()]
        while self._take("&&"):
            every.append(self._not())
        return lambda subjects: all(one(subjects) for one in every)

    def _not(self) -> Condition:
        if self._take("!"):
            inner = self._not()
            return lambda subjects: not inner(subjects)
        if self._take("("):
            inner = self._or()
            self._expect(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Condition:
        subject, operator = self._next(), self._next()
        if not _SUBJECT.fullmatch(subject):
            raise BadExpression(f"unknown subject '{subject}'")
        if operator == "exists":
            return lambda subjects: subject in subjects
        if operator == "!exists":
            return lambda subjects: subject not in subjects
        if operator in ("in", "!in"):
            wanted = self._values()
            is_in: Condition = lambda subjects: any(value in wanted for value in subjects.get(subject, ()))  # noqa: E731
            return is_in if operator == "in" else lambda subjects: not is_in(subjects)
        compare = _comparison_of(operator, self._next())
        if operator in ("!=", "!~"):
            # Of several values none may be it; and one without any is not.
            return lambda subjects: all(compare(value) for value in subjects.get(subject, ()))
        return lambda subjects: any(compare(value) for value in subjects.get(subject, ()))

    def _values(self) -> list[str]:
        self._expect("[")
        values = [self._next()]
        while self._take(","):
            values.append(self._next())
        self._expect("]")
        return values

    def _peek(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise BadExpression("unexpected end")
        self._place += 1
        return token

    def _take(self, token: str) -> bool:
        if self._peek() != token:
            return False
        self._place += 1
        return True

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise BadExpression(f"expected '{token}'")


def _tokens(text: str) -> list[str]:
    tokens, place, text = [], 0, text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise BadExpression(f"unexpected '{text[place:].strip()[:20]}'")
        tokens.append(_WORDS.get(match[1], match[1]))
        place = match.end()
    return tokens


def _comparison_of(operator: str, wanted: str) -> Callable[[str], bool]:
    if operator in ("=~", "!~"):
        try:
            pattern = re.compile(wanted)
        except re.error as error:
            raise BadExpression(f"no pattern: {wanted}") from error
        return lambda value: (pattern.fullmatch(value) is not None) == (operator == "=~")
    match operator:
        case "==":
            return lambda value: value == wanted
        case "!=":
            return lambda value: value != wanted
        case ">":
            return lambda value: _order(value) > _order(wanted)
        case ">=":
            return lambda value: _order(value) >= _order(wanted)
        case "<":
            return lambda value: _order(value) < _order(wanted)
        case "<=":
            return lambda value: _order(value) <= _order(wanted)
    raise BadExpression(f"unknown operator '{operator}'")


def _order(value: str) -> tuple[tuple[int, int, str], ...]:
    """Numbers and versions by their numbers, the rest as text."""
    parts = re.split(r"[.:T-]", value)
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)
