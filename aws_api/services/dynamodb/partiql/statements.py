"""From a statement's text and its parameters to what it asks for. Pure.

Raises ValidationException, worded as DynamoDB words it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput, VisitError
from lark.visitors import Transformer_NonRecursive

from aws_api.core.errors import ValidationException
from aws_api.services.dynamodb.attribute_values import normalise_value, type_of
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
    RemoveAction,
    SetAction,
    Update,
    Value,
)
from aws_api.services.dynamodb.expressions.parse import InvalidExpression
from aws_api.services.dynamodb.expressions.paths import check_distinct

#: Values after IN: so many where it is the partition key that is compared, and so many otherwise.
MAX_CANDIDATES = 100
#: Brackets in one another; what keeps the trees shallow enough to be walked by recursion.
MAX_TERMS = 2000
_REMEMBERED = 1024

_BEGINNINGS = ("SELECT", "INSERT", "UPDATE", "DELETE", "EXISTS")
_CONDITION_FUNCTIONS = {"attribute_type": 2, "begins_with": 2, "contains": 2, "size": 1, "missing": 1}
_SET_FUNCTIONS = {"list_append": 2, "if_not_exists": 2, "set_add": 2, "set_delete": 2}
_SCALAR_SETS = {"S": "SS", "N": "NS", "B": "BS"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Select:
    """``paths`` is None for everything; ``order`` are (attribute, whether forward)."""

    table: str
    index: str | None
    paths: tuple[Path, ...] | None
    condition: Condition | None
    order: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Insert:
    """An item that must not be there yet."""

    table: str
    item: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """An UPDATE of an item that must be there."""

    table: str
    update: Update
    condition: Condition | None
    return_values: str = "NONE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Delete:
    """A DELETE; of an item that is not there it deletes nothing."""

    table: str
    condition: Condition | None
    return_values: str = "NONE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Exists:
    """A condition of a transaction: that the select finds its item."""

    select: Select


Statement: TypeAlias = Select | Insert | Change | Delete | Exists


def parse_statement(text: str, parameters: Sequence[Mapping[str, Any]]) -> Statement:
    """What a statement asks for, its parameters put in."""
    tree, places = _tree(text)
    if len(places) != len(parameters):
        raise ValidationException("Number of parameters in request and statement don't match.")
    values = [normalise_value(parameter)[0] for parameter in parameters]
    try:
        built: Statement = _Builder(dict(zip(places, values, strict=True))).transform(tree)
    except VisitError as error:
        raise error.orig_exc from None
    return built


@lru_cache(_REMEMBERED)
def _tree(text: str) -> tuple[Tree[Token], tuple[int, ...]]:
    """The syntax tree, which nobody changes, and where the parameters stand in the text."""
    if not text.lstrip().upper().startswith(_BEGINNINGS):
        raise _malformed("Expected data manipulation")
    try:
        tokens = list(_grammar.lex(text))
        if len(tokens) > MAX_TERMS:
            raise _malformed("Too many terms")
        return _grammar.parse(text), tuple(token.start_pos or 0 for token in tokens if token.type == "PARAMETER")
    except UnexpectedInput as error:
        token = getattr(error, "token", None)
        is_keyword = isinstance(token, Token) and (token.type.startswith("_") or token.upper() == token.type)
        place = f":{error.line}:{error.column}" if error.line and error.line > 0 else ""
        raise _malformed(f"Unexpected {'keyword' if is_keyword else 'term'}{place}") from None


def _malformed(detail: str) -> ValidationException:
    return ValidationException(f"Statement wasn't well formed, can't be processed: {detail}")


def _unquoted(token: Token) -> str:
    text = str(token)
    if token.type in ("QUOTED", "STRING"):
        quote = text[0]
        return text[1:-1].replace(quote * 2, quote)
    return text


class _Builder(Transformer_NonRecursive[Token, Any]):
    """Builds a statement bottom up."""

    def __init__(self, parameters: Mapping[int, Mapping[str, Any]]) -> None:
        super().__init__()
        self._parameters = parameters

    def start(self, parts: list[Any]) -> Statement:
        statement: Statement = parts[0]
        return statement

    def select(self, parts: list[Any]) -> Select:
        paths, (table, index), *rest = parts
        condition = next((part.condition for part in rest if isinstance(part, _Where)), None)
        order = next((part for part in rest if isinstance(part, tuple)), ())
        return Select(table=table, index=index, paths=paths or None, condition=condition, order=order)

    def projection(self, parts: list[Path]) -> tuple[Path, ...]:
        return tuple(parts)

    def source(self, parts: list[Token]) -> tuple[str, str | None]:
        return _unquoted(parts[0]), _unquoted(parts[1]) if len(parts) > 1 else None

    def where(self, parts: list[Any]) -> "_Where":
        return _Where(_as_condition(parts[0]))

    def order(self, parts: list[tuple[str, bool]]) -> tuple[tuple[str, bool], ...]:
        return tuple(parts)

    def ordering(self, parts: list[Any]) -> tuple[str, bool]:
        path, *direction = parts
        return str(path.elements[0]), not (direction and direction[0].type == "DESC")

    def insert(self, parts: list[Any]) -> Insert:
        (table, index), item = parts
        if index is not None or not isinstance(item, Value) or "M" not in item.attribute:
            raise _malformed("INSERT takes a table and a tuple")
        return Insert(table=table, item=item.attribute["M"])

    def update(self, parts: list[Any]) -> Change:
        (table, index), *rest = parts
        if index is not None:
            raise ValidationException("UPDATE statement cannot be used with an index")
        actions = tuple(action for part in rest if isinstance(part, list) for action in part)
        try:
            check_distinct(action.path for action in actions)
        except InvalidExpression as error:
            raise ValidationException(f"Invalid UpdateExpression: {error}") from None
        return Change(table=table, update=Update(actions), **_ending(rest))

    def delete(self, parts: list[Any]) -> Delete:
        (table, index), *rest = parts
        if index is not None:
            raise ValidationException("DELETE statement cannot be used with an index")
        return Delete(table=table, **_ending(rest))

    def exists(self, parts: list[Select]) -> Exists:
        return Exists(select=parts[0])

    def changes(self, parts: list[Action]) -> list[Action]:
        return parts

    def removals(self, parts: list[Path]) -> list[Action]:
        return [RemoveAction(path) for path in parts]

    def assignment(self, parts: list[Any]) -> Action:
        path, _, operand = parts
        if isinstance(operand, Function) and operand.name in ("set_add", "set_delete"):
            target, value = operand.arguments
            if target != path or not isinstance(value, Value) or type_of(value.attribute) not in _SCALAR_SETS.values():
                raise _malformed(f"{operand.name} takes the attribute that it is assigned to and a set")
            return AddAction(path, value) if operand.name == "set_add" else DeleteAction(path, value)
        if not isinstance(operand, Arithmetic):
            operand = _as_operand(operand, _SET_FUNCTIONS)
        return SetAction(path, operand)

    def arithmetic(self, parts: list[Any]) -> Arithmetic:
        left, sign, right = parts
        return Arithmetic(str(sign), _as_operand(left, _SET_FUNCTIONS), _as_operand(right, _SET_FUNCTIONS))

    def returning(self, parts: list[Token]) -> str:
        what, when = (part.upper() for part in parts)
        return f"{'ALL' if what == 'ALL' else 'UPDATED'}_{when}"

    def disjunction(self, parts: list[Any]) -> Or:
        return Or(tuple(map(_as_condition, parts)))

    def conjunction(self, parts: list[Any]) -> And:
        return And(tuple(map(_as_condition, parts)))

    def negated(self, parts: list[Any]) -> Not:
        return Not(_as_condition(parts[0]))

    def compared(self, parts: list[Any]) -> Comparison:
        left, operator, right = parts
        return Comparison(str(operator).replace("!=", "<>"), _as_operand(left), _as_operand(right))

    def between(self, parts: list[Any]) -> Between:
        operand, low, high = map(_as_operand, parts)
        return Between(operand, low, high)

    def among(self, parts: list[Any]) -> In:
        operand, candidates = parts
        if len(candidates) > MAX_CANDIDATES:
            raise ValidationException(f"IN list cannot contain more than {MAX_CANDIDATES} values")
        return In(_as_operand(operand), tuple(map(_as_operand, candidates)))

    def candidates(self, parts: list[Any]) -> list[Any]:
        return parts

    def is_missing(self, parts: list[Any]) -> Function:
        return Function("attribute_not_exists", (_as_path(parts[0]),))

    def is_not_missing(self, parts: list[Any]) -> Function:
        return Function("attribute_exists", (_as_path(parts[0]),))

    def is_null(self, parts: list[Any]) -> Function:
        return Function("attribute_type", (_as_path(parts[0]), Value("NULL", {"S": "NULL"})))

    def is_not_null(self, parts: list[Any]) -> Not:
        return Not(self.is_null(parts))

    def function(self, parts: list[Any]) -> Function:
        name, *arguments = parts
        name = str(name).lower()
        expected = {**_CONDITION_FUNCTIONS, **_SET_FUNCTIONS}.get(name)
        if expected is None:
            raise ValidationException(f"Unsupported function: {name}")
        if len(arguments) != expected:
            raise ValidationException(f"Incorrect number of operands for function: {name}")
        if name == "missing":
            return Function("attribute_not_exists", (_as_path(arguments[0]),))
        return Function(name, tuple(_as_operand(argument, _SET_FUNCTIONS) for argument in arguments))

    def string(self, parts: list[Token]) -> Value:
        return _literal({"S": _unquoted(parts[0])})

    def number(self, parts: list[Token]) -> Value:
        return _literal({"N": "".join(parts)})

    def true(self, _parts: list[Token]) -> Value:
        return _literal({"BOOL": True})

    def false(self, _parts: list[Token]) -> Value:
        return _literal({"BOOL": False})

    def null(self, _parts: list[Token]) -> Value:
        return _literal({"NULL": True})

    def parameter(self, parts: list[Token]) -> Value:
        return Value("?", self._parameters[parts[0].start_pos or 0])

    def list_value(self, parts: list[Any]) -> Value:
        return _literal({"L": [_as_literal(part) for part in parts]})

    def tuple_value(self, parts: list[Any]) -> Value:
        return _literal({"M": dict(parts)})

    def member(self, parts: Sequence[Any]) -> tuple[str, Any]:
        name, value = parts
        return _unquoted(name), _as_literal(value)

    def set_value(self, parts: Sequence[Any]) -> Value:
        elements = [_as_literal(part) for part in parts]
        kinds = {next(iter(element)) for element in elements}
        (kind,) = kinds if len(kinds) == 1 else ("",)
        if kind not in _SCALAR_SETS:
            raise _malformed("A set has strings, numbers or binaries of one type")
        return _literal({_SCALAR_SETS[kind]: [element[kind] for element in elements]})

    def path(self, parts: Sequence[Token]) -> Path:
        return Path(tuple(int(part) if part.type == "NUMBER" else _unquoted(part) for part in parts))


@dataclass(frozen=True, slots=True)
class _Where:
    condition: Condition


def _ending(parts: Sequence[Any]) -> dict[str, Any]:
    """The condition and the RETURNING of a write."""
    return {
        "condition": next((part.condition for part in parts if isinstance(part, _Where)), None),
        "return_values": next((part for part in parts if isinstance(part, str)), "NONE"),
    }


def _literal(value: Mapping[str, Any]) -> Value:
    normalised, _ = normalise_value(value)
    return Value("literal", normalised)


def _as_literal(part: Any) -> Any:
    if not isinstance(part, Value):
        raise _malformed("Expected a literal")
    return part.attribute


def _as_path(part: Any) -> Path:
    if not isinstance(part, Path):
        raise _malformed("Expected an attribute")
    return part


def _as_operand(part: Any, functions: Mapping[str, int] | None = None) -> Any:
    allowed = {"size": 1} if functions is None else functions
    if isinstance(part, Path | Value) or (isinstance(part, Function) and part.name in allowed):
        return part
    raise _malformed("Expected a value")


def _as_condition(part: Any) -> Condition:
    if isinstance(part, Path | Value | Arithmetic) or (
        isinstance(part, Function) and (part.name in _SET_FUNCTIONS or part.name == "size")
    ):
        raise _malformed("Expected a condition")
    condition: Condition = part
    return condition


_grammar = Lark.open("statement.lark", rel_to=__file__, parser="lalr", propagate_positions=True)
