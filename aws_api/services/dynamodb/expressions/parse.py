"""From an expression's text to its tree, by grammar; what was parsed once is remembered.

Raises InvalidExpression, worded as DynamoDB words it behind ``Invalid ConditionExpression: ``.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from lark import Lark, Token, v_args
from lark.exceptions import UnexpectedToken, VisitError
from lark.lark import PostLex
from lark.visitors import Transformer_NonRecursive

from aws_api.services.dynamodb.expressions.nodes import (
    Action,
    AddAction,
    And,
    Arithmetic,
    Between,
    Comparison,
    Condition,
    DeleteAction,
    Function,
    In,
    Not,
    Or,
    Path,
    Projection,
    RemoveAction,
    SetAction,
    Update,
    Value,
)
from aws_api.services.dynamodb.expressions.reserved_words import RESERVED_WORDS

MAX_EXPRESSION_BYTES = 4096
MAX_OPERATORS = 300
#: More digits than any list has elements.
_MAX_INDEX_DIGITS = 9
_REMEMBERED = 4096

_END = "<EOF>"
_OPERATORS = frozenset(("COMPARATOR", "SIGN", "_OR", "_AND", "_NOT", "_BETWEEN", "_IN"))
_CONDITION_FUNCTIONS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
    "size": 1,
}
_UPDATE_FUNCTIONS = {"if_not_exists": 2, "list_append": 2}
_OF_A_PATH = frozenset(("attribute_exists", "attribute_not_exists", "if_not_exists"))


class InvalidExpression(Exception):
    """An expression that DynamoDB refuses; the message is what follows ``Invalid ...Expression: ``."""


class _Misplaced(Exception):
    """An operand where a condition must be, or the reverse; ``end`` is where it ends in the text."""

    def __init__(self, end: int) -> None:
        self.end = end


@lru_cache(_REMEMBERED)
def parse_condition(text: str) -> Condition:
    """A condition, filter or key condition expression."""
    condition: Condition = _parse(_condition_grammar, _Conditions(), text)
    return condition


@lru_cache(_REMEMBERED)
def parse_projection(text: str) -> Projection:
    """A projection expression."""
    projection: Projection = _parse(_projection_grammar, _Projections(), text)
    return projection


@lru_cache(_REMEMBERED)
def parse_update(text: str) -> Update:
    """An update expression."""
    update: Update = _parse(_update_grammar, _Updates(), text)
    return update


def _parse(grammar: Lark, builder: Transformer_NonRecursive[Token, Any], text: str) -> Any:
    if not text.strip():
        raise InvalidExpression("The expression can not be empty;")
    size = len(text.encode())
    if size > MAX_EXPRESSION_BYTES:
        raise InvalidExpression(f"Expression size has exceeded the maximum allowed size; expression size: {size}")
    tokens = list(grammar.lex(text))
    # Also what keeps the trees shallow enough to be walked by recursion.
    operators = sum(1 for token in tokens if token.type in _OPERATORS)
    if operators > MAX_OPERATORS:
        raise InvalidExpression(f"The expression contains too many operators or functions; operator count: {operators}")
    try:
        return builder.transform(grammar.parse(text))
    except UnexpectedToken as error:
        raise _syntax_error(text, tokens, error.token) from None
    except VisitError as error:
        if isinstance(error.orig_exc, _Misplaced):
            end = error.orig_exc.end
            following = next((token for token in tokens if (token.start_pos or 0) >= end), None)
            raise _syntax_error(text, tokens, following) from None
        raise error.orig_exc from None


def _syntax_error(text: str, tokens: list[Token], token: Token | None) -> InvalidExpression:
    """Name the token and show it between its neighbours, as DynamoDB does."""
    at = next((at for at, candidate in enumerate(tokens) if token and candidate.start_pos == token.start_pos), None)
    if token is None or token.type == "$END" or at is None:
        word, at = _END, len(tokens)
    else:
        word = str(token)
    before, after = tokens[max(at - 1, 0)], tokens[min(at + 1, len(tokens) - 1)]
    near = text[before.start_pos : after.end_pos]
    return InvalidExpression(f'Syntax error; token: "{word}", near: "{near}"')


class _Located:
    """A part of a condition with its place in the text, until it is known to stand where it may."""

    __slots__ = ("end", "node", "parenthesised")

    def __init__(self, node: Any, end: int, *, parenthesised: bool = False) -> None:
        self.node = node
        self.end = end
        self.parenthesised = parenthesised

    def as_operand(self) -> Any:
        if isinstance(self.node, Function) and self.node.name != "size":
            raise _misused(self.node)
        if not isinstance(self.node, Path | Value | Function):
            raise _Misplaced(self.end)
        return self.node

    def as_condition(self) -> Any:
        if isinstance(self.node, Function) and self.node.name == "size":
            raise _misused(self.node)
        if isinstance(self.node, Path | Value):
            raise _Misplaced(self.end)
        return self.node


def _misused(function: Function) -> InvalidExpression:
    return InvalidExpression(
        f"The function is not allowed to be used this way in an expression; function: {function.name}"
    )


class _Paths(Transformer_NonRecursive[Token, Any]):
    """Builds paths; the other kinds of expression build on it."""

    def path(self, parts: list[Token]) -> Path:
        return Path(tuple(self._element(part) for part in parts))

    @staticmethod
    def _element(part: Token) -> str | int:
        if part.type == "INTEGER":
            if len(part) > _MAX_INDEX_DIGITS:
                raise InvalidExpression(f"List index is not within the allowable range; index: [{part}]")
            return int(part)
        if part.type == "NAME" and part.upper() in RESERVED_WORDS:
            raise InvalidExpression(f"Attribute name is a reserved keyword; reserved keyword: {part}")
        return str(part)


class _Projections(_Paths):
    def projection(self, paths: list[Path]) -> Projection:
        return tuple(paths)


class _Conditions(_Paths):
    """Builds conditions bottom up."""

    @v_args(meta=True)
    def path(self, meta: Any, parts: list[Token]) -> Any:
        return _Located(super().path(parts), meta.end_pos)

    def value(self, parts: list[Token]) -> _Located:
        return _Located(Value(str(parts[0])), parts[0].end_pos or 0)

    @v_args(meta=True)
    def function(self, meta: Any, parts: list[Any]) -> _Located:
        name, *arguments = parts
        operands = tuple(argument.as_operand() for argument in arguments)
        return _Located(_checked_function(str(name), operands, _CONDITION_FUNCTIONS), meta.end_pos)

    @v_args(meta=True)
    def parenthesised(self, meta: Any, parts: list[_Located]) -> _Located:
        if parts[0].parenthesised:
            raise InvalidExpression("The expression has redundant parentheses;")
        return _Located(parts[0].node, meta.end_pos, parenthesised=True)

    @v_args(meta=True)
    def compared(self, meta: Any, parts: list[Any]) -> _Located:
        left, operator, right = parts
        return _Located(Comparison(str(operator), left.as_operand(), right.as_operand()), meta.end_pos)

    @v_args(meta=True)
    def between(self, meta: Any, parts: list[_Located]) -> _Located:
        operand, low, high = (part.as_operand() for part in parts)
        return _Located(Between(operand, low, high), meta.end_pos)

    @v_args(meta=True)
    def among(self, meta: Any, parts: list[_Located]) -> _Located:
        operand, *candidates = (part.as_operand() for part in parts)
        if len(candidates) > 100:
            raise InvalidExpression(
                "Too many operands for the IN operator; number of operands: " + str(len(candidates))
            )
        return _Located(In(operand, tuple(candidates)), meta.end_pos)

    @v_args(meta=True)
    def negated(self, meta: Any, parts: list[_Located]) -> _Located:
        return _Located(Not(parts[0].as_condition()), meta.end_pos)

    @v_args(meta=True)
    def conjunction(self, meta: Any, parts: list[_Located]) -> _Located:
        return _Located(And(tuple(part.as_condition() for part in parts)), meta.end_pos)

    @v_args(meta=True)
    def disjunction(self, meta: Any, parts: list[_Located]) -> _Located:
        return _Located(Or(tuple(part.as_condition() for part in parts)), meta.end_pos)

    def start(self, parts: list[_Located]) -> Any:
        return parts[0].as_condition()


class _Updates(_Paths):
    """Builds update expressions bottom up."""

    def value(self, parts: list[Token]) -> Value:
        return Value(str(parts[0]))

    def function(self, parts: list[Any]) -> Function:
        name, *arguments = parts
        return _checked_function(str(name), tuple(arguments), _UPDATE_FUNCTIONS)

    def parenthesised(self, parts: list[Any]) -> Any:
        return parts[0]

    def arithmetic(self, parts: list[Any]) -> Arithmetic:
        left, sign, right = parts
        return Arithmetic(str(sign), left, right)

    def assignment(self, parts: list[Any]) -> SetAction:
        return SetAction(*parts)

    def path_and_value(self, parts: list[Any]) -> tuple[Path, Value]:
        return parts[0], Value(str(parts[1]))

    def set_section(self, parts: list[SetAction]) -> tuple[str, list[SetAction]]:
        return "SET", parts

    def remove_section(self, parts: list[Path]) -> tuple[str, list[RemoveAction]]:
        return "REMOVE", [RemoveAction(path) for path in parts]

    def add_section(self, parts: list[tuple[Path, Value]]) -> tuple[str, list[AddAction]]:
        return "ADD", [AddAction(path, value) for path, value in parts]

    def delete_section(self, parts: list[tuple[Path, Value]]) -> tuple[str, list[DeleteAction]]:
        return "DELETE", [DeleteAction(path, value) for path, value in parts]

    def update(self, sections: list[tuple[str, list[Action]]]) -> Update:
        seen: set[str] = set()
        for keyword, _ in sections:
            if keyword in seen:
                raise InvalidExpression(f'The "{keyword}" section can only be used once in an update expression;')
            seen.add(keyword)
        return Update(tuple(action for _, actions in sections for action in actions))


def _checked_function(name: str, arguments: tuple[Any, ...], functions: dict[str, int]) -> Function:
    if name not in functions:
        raise InvalidExpression(f"Invalid function name; function: {name}")
    if len(arguments) != functions[name]:
        raise InvalidExpression(
            "Incorrect number of operands for operator or function; "
            f"operator or function: {name}, number of operands: {len(arguments)}"
        )
    if name in _OF_A_PATH and not isinstance(arguments[0], Path):
        raise InvalidExpression(f"Operator or function requires a document path; operator or function: {name}")
    return Function(name, arguments)


class _KeepUnknown(PostLex):
    """Keeps the terminal that no rule names in the lexer, so that a strange character is a token like others."""

    always_accept = ("UNKNOWN",)

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


def _grammar(file_name: str, start: str) -> Lark:
    return Lark.open(
        file_name,
        rel_to=__file__,
        start=start,
        parser="lalr",
        lexer="basic",
        postlex=_KeepUnknown(),
        propagate_positions=True,
    )


_projection_grammar = _grammar("projection.lark", "projection")
_condition_grammar = _grammar("condition.lark", "start")
_update_grammar = _grammar("update.lark", "update")
