"""Filter patterns: a text in, a predicate on messages out. Pure.

Three kinds: terms (``ERROR ?warn -"not this"``), JSON (``{ $.latency > 300 && $.ok IS FALSE }``) and space-delimited
fields (``[ip, user, request = *html*, status = 4*, ...]``); strings between ``%`` are regular expressions.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from lark import Lark, Token, Transformer
from lark.exceptions import LarkError, VisitError

#: Whether a message matches.
Predicate = Callable[[str], bool]
#: Whether a text (a field, a JSON string) matches.
TextTest = Callable[[str], bool]

#: AWS allows two regular expressions in a pattern.
MAX_REGULAR_EXPRESSIONS = 2
#: Characters of a message that a regular expression looks at: bounds what a bad expression costs.
MAX_REGEX_INPUT = 10_000

_GRAMMAR = r"""
    terms: (include | optional | exclude)*
    include: text
    optional: "?" text
    exclude: "-" text
    ?text: STRING -> phrase
         | REGEX -> regex
         | TERM -> term

    json: "{" disjunction "}"
    fields: "[" [field] ("," [field])* "]"
    ?field: ELLIPSIS -> ellipsis
          | FIELD -> any_value
          | field_disjunction

    ?disjunction: conjunction ("||" conjunction)* -> any_of
    ?conjunction: test ("&&" test)* -> all_of
    ?test: "(" disjunction ")"
         | selector OPERATOR value -> compare
         | selector "IS"i KEYWORD -> is_keyword
         | selector "NOT"i "EXISTS"i -> not_exists
         | selector "EXISTS"i -> exists

    field_disjunction: field_conjunction ("||" field_conjunction)* -> any_of
    ?field_conjunction: field_test ("&&" field_test)* -> all_of
    ?field_test: "(" field_disjunction ")"
               | FIELD OPERATOR value -> compare_field

    selector: "$" step*
    step: "." NAME -> member
        | "." "[" STRING "]" -> quoted_member
        | "[" STRING "]" -> quoted_member
        | "[" INDEX "]" -> element
        | "[" "*" "]" -> every_element
    value: STRING -> quoted
         | REGEX -> regex
         | WORD -> word

    STRING: /"(\\.|[^"\\])*"/
    REGEX: /%[^%]+%/
    TERM: /[^\s"%?-][^\s"%]*/
    WORD: /[^\s"%(){}\[\],=<>!&|]+/
    FIELD: /[A-Za-z_][A-Za-z0-9_.-]*/
    NAME: /[A-Za-z0-9_@:\/-]+/
    INDEX: /[0-9]{1,9}/
    ELLIPSIS: "..."
    KEYWORD.2: /(TRUE|FALSE|NULL)\b/i
    OPERATOR: "!=" | ">=" | "<=" | "=" | ">" | "<"
    %import common.WS
    %ignore WS
"""

_parser = Lark(_GRAMMAR, parser="lalr", start=["terms", "json", "fields"])

_REGEX = re.compile(r"[A-Za-z0-9:_#=@/;,\-.\s\\\[\]{}()^$?*+|<>!&'\"~]+")
_FIELD_IN_MESSAGE = re.compile(r'"([^"]*)"|\[([^\]]*)\]|(\S+)')
_ORDERINGS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


class InvalidPattern(ValueError):
    """The text is no filter pattern; the message says why."""


@lru_cache(maxsize=256)
def compile_pattern(text: str) -> Predicate:
    """The predicate of a filter pattern; the empty one matches everything. Raises InvalidPattern."""
    stripped = text.strip()
    if not stripped:
        return lambda _: True
    if stripped.count("%") > 2 * MAX_REGULAR_EXPRESSIONS:
        raise InvalidPattern(f"More than {MAX_REGULAR_EXPRESSIONS} regular expressions")
    start = {"{": "json", "[": "fields"}.get(stripped[0], "terms")
    try:
        predicate: Predicate = _Compiler().transform(_parser.parse(stripped, start=start))
    except VisitError as error:
        raise InvalidPattern(str(error.orig_exc)) from error
    except LarkError as error:
        raise InvalidPattern("Invalid filter pattern") from error
    return predicate


@dataclass(frozen=True, slots=True)
class _Value:
    """The right side of a comparison; ``number`` where it is one and was not quoted."""

    test: TextTest
    number: float | None = None


#: A test of a JSON document or of a field.
_Test = Callable[[Any], bool]
_Step = Callable[[Any], list[Any]]


class _Ellipsis:
    """``...``: any number of fields."""


class _Compiler(Transformer[Token, Any]):
    """From the tree of a pattern to closures, bottom up."""

    def quoted(self, children: list[Token]) -> _Value:
        return _Value(_text_test(re.sub(r"\\(.)", r"\1", children[0][1:-1])))

    def phrase(self, children: list[Token]) -> _Value:
        return _Value(_contains(re.sub(r"\\(.)", r"\1", children[0][1:-1])))

    def term(self, children: list[Token]) -> _Value:
        return _Value(_contains(children[0].value))

    def word(self, children: list[Token]) -> _Value:
        return _Value(_text_test(children[0].value), _number(children[0].value))

    def regex(self, children: list[Token]) -> _Value:
        source = children[0][1:-1]
        if not _REGEX.fullmatch(source):
            raise InvalidPattern(f"Invalid regular expression '{source}'")
        try:
            search = re.compile(source).search
        except re.error as error:
            raise InvalidPattern(f"Invalid regular expression '{source}'") from error
        return _Value(lambda text: search(text[:MAX_REGEX_INPUT]) is not None)

    # Terms ---------------------------------------------------------------------------------------------------------

    def include(self, children: list[_Value]) -> tuple[str, TextTest]:
        return "include", children[0].test

    def optional(self, children: list[_Value]) -> tuple[str, TextTest]:
        return "optional", children[0].test

    def exclude(self, children: list[_Value]) -> tuple[str, TextTest]:
        return "exclude", children[0].test

    def terms(self, children: list[tuple[str, TextTest]]) -> Predicate:
        included = [test for kind, test in children if kind == "include"]
        excluded = [test for kind, test in children if kind == "exclude"]
        # AWS ignores optional terms beside ones that must be there.
        optional = [test for kind, test in children if kind == "optional"] if not included else []

        def matches(message: str) -> bool:
            if any(test(message) for test in excluded) or not all(test(message) for test in included):
                return False
            return not optional or any(test(message) for test in optional)

        return matches

    # Both structured kinds -----------------------------------------------------------------------------------------

    def any_of(self, children: list[_Test]) -> _Test:
        return children[0] if len(children) == 1 else lambda subject: any(test(subject) for test in children)

    def all_of(self, children: list[_Test]) -> _Test:
        return children[0] if len(children) == 1 else lambda subject: all(test(subject) for test in children)

    # JSON ----------------------------------------------------------------------------------------------------------

    def json(self, children: list[_Test]) -> Predicate:
        (test,) = children

        def matches(message: str) -> bool:
            try:
                document = orjson.loads(message)
            except orjson.JSONDecodeError:
                return False
            return test(document)

        return matches

    def member(self, children: list[Token]) -> _Step:
        return _member(children[0].value)

    def quoted_member(self, children: list[Token]) -> _Step:
        return _member(children[0][1:-1])

    def element(self, children: list[Token]) -> _Step:
        index = int(children[0])
        return lambda value: [value[index]] if isinstance(value, list) and index < len(value) else []

    def every_element(self, _: list[Token]) -> _Step:
        return lambda value: value if isinstance(value, list) else []

    def selector(self, steps: list[_Step]) -> _Step:
        def select(document: Any) -> list[Any]:
            found = [document]
            for step in steps:
                found = [value for parent in found for value in step(parent)]
            return found

        return select

    def compare(self, children: list[Any]) -> _Test:
        select, comparison, value = children
        test = _comparison(str(comparison), value)
        return lambda document: any(test(found) for found in select(document))

    def is_keyword(self, children: list[Any]) -> _Test:
        select, keyword = children
        wanted = {"TRUE": True, "FALSE": False, "NULL": None}[str(keyword).upper()]
        return lambda document: any(found is wanted for found in select(document))

    def exists(self, children: list[_Step]) -> _Test:
        return lambda document: bool(children[0](document))

    def not_exists(self, children: list[_Step]) -> _Test:
        return lambda document: not children[0](document)

    # Space-delimited fields ----------------------------------------------------------------------------------------

    def ellipsis(self, _: list[Token]) -> _Ellipsis:
        return _Ellipsis()

    def any_value(self, _: list[Token]) -> _Test:
        return lambda _: True

    def compare_field(self, children: list[Any]) -> _Test:
        return _comparison(str(children[1]), children[2])

    def fields(self, children: list[Any]) -> Predicate:
        tests: list[_Test | _Ellipsis] = [(lambda _: True) if child is None else child for child in children]
        places = [place for place, test in enumerate(tests) if isinstance(test, _Ellipsis)]
        if len(places) > 1:
            raise InvalidPattern("More than one ellipsis")
        before = tests[: places[0]] if places else tests
        after = tests[places[0] + 1 :] if places else []

        def matches(message: str) -> bool:
            values = split_fields(message)
            if len(values) < len(before) + len(after) or (not places and len(values) != len(before)):
                return False
            ends = [*zip(before, values, strict=False), *zip(after, values[len(values) - len(after) :], strict=True)]
            return all(test(value) for test, value in ends if not isinstance(test, _Ellipsis))

        return matches


def split_fields(message: str) -> list[str]:
    """A message's fields: what stands between spaces, double quotes or square brackets."""
    return [match[match.lastindex or 0] for match in _FIELD_IN_MESSAGE.finditer(message)]


def _comparison(comparison: str, value: _Value) -> _Test:
    """A test of one JSON value or field."""
    if comparison in _ORDERINGS:
        if value.number is None:
            raise InvalidPattern(f"{comparison} compares numbers only")
        order, limit = _ORDERINGS[comparison], value.number

        def is_ordered(found: Any) -> bool:
            number = _number(found)
            return number is not None and order(number, limit)

        return is_ordered

    def is_equal(found: Any) -> bool:
        if isinstance(found, bool):
            return value.test("true" if found else "false")
        if value.number is not None and (number := _number(found)) is not None:
            return number == value.number
        if isinstance(found, str | int | float):
            return value.test(str(found))
        return False

    if comparison == "=":
        return is_equal
    return lambda found: found is not None and not isinstance(found, dict | list) and not is_equal(found)


def _member(name: str) -> _Step:
    return lambda value: [value[name]] if isinstance(value, dict) and name in value else []


def _contains(term: str) -> TextTest:
    return lambda text: term in text


def _text_test(pattern: str) -> TextTest:
    """Equality with a text in which ``*`` stands for anything."""
    if "*" not in pattern:
        return lambda text: text == pattern
    parts = [re.escape(part) for part in pattern.split("*")]
    matches = re.compile(".*?".join(parts), re.DOTALL).fullmatch
    return lambda text: matches(text) is not None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return float(value)
    except ValueError:
        return None
