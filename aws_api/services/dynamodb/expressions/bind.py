"""What a request says its aliases stand for, put into the trees; and every check that needs to know it.

Raises ValidationException, worded as DynamoDB words it: for an alias that is not defined, for one that is defined and
not used, for an operand that an operator cannot take.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from aws_api.core.errors import ValidationException
from aws_api.services.dynamodb.attribute_values import TYPES, AttributeValue, normalise_value, sort_key, type_of
from aws_api.services.dynamodb.expressions.nodes import (
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
from aws_api.services.dynamodb.expressions.parse import (
    InvalidExpression,
    parse_condition,
    parse_projection,
    parse_update,
)
from aws_api.services.dynamodb.expressions.paths import check_distinct

_TYPE_WORDS = {
    "S": "STRING",
    "N": "NUMBER",
    "B": "BINARY",
    "SS": "STRING_SET",
    "NS": "NUMBER_SET",
    "BS": "BINARY_SET",
    "NULL": "NULL",
    "BOOL": "BOOLEAN",
    "L": "LIST",
    "M": "MAP",
}
_ORDERING = frozenset(("<", "<=", ">", ">="))

Tree = TypeVar("Tree")


class Bindings:
    """The ExpressionAttributeNames and ExpressionAttributeValues of one request."""

    def __init__(self, request: Mapping[str, Any], *kinds: str) -> None:
        """``kinds`` are the members that may hold an expression in this request."""
        self._names: Mapping[str, str] = request.get("ExpressionAttributeNames") or {}
        self._values: dict[str, AttributeValue] = {}
        self._unused_names = set(self._names)
        self._unused_values: set[str] = set()
        given = [kind for kind in kinds if request.get(kind) is not None]
        if "ExpressionAttributeNames" in request:
            self._check_names(request["ExpressionAttributeNames"], any_expression=bool(given))
        if "ExpressionAttributeValues" in request:
            self._read_values(request["ExpressionAttributeValues"], kinds, given)

    def condition(self, kind: str, text: str | None) -> Condition | None:
        """A bound condition, filter or key condition; None where the request has none."""
        if text is None:
            return None
        return self._bound(kind, lambda: self._condition(parse_condition(text)))

    def projection(self, text: str | None) -> Projection | None:
        """A bound projection, whose paths are distinct; None where the request has none."""
        if text is None:
            return None

        def bind() -> Projection:
            paths = tuple(self._path(path) for path in parse_projection(text))
            check_distinct(paths)
            return paths

        return self._bound("ProjectionExpression", bind)

    def update(self, text: str) -> Update:
        """A bound update, whose paths are distinct."""

        def bind() -> Update:
            update = Update(tuple(self._action(action) for action in parse_update(text).actions))
            check_distinct(action.path for action in update.actions)
            return update

        return self._bound("UpdateExpression", bind)

    def check_all_used(self) -> None:
        """Raise ValidationException where the request defines what no expression uses."""
        for member, unused in (
            ("ExpressionAttributeNames", self._unused_names),
            ("ExpressionAttributeValues", self._unused_values),
        ):
            if unused:
                raise ValidationException(
                    f"Value provided in {member} unused in expressions: keys: {{{', '.join(sorted(unused))}}}"
                )

    def _check_names(self, names: Mapping[str, str], *, any_expression: bool) -> None:
        if not any_expression:
            raise ValidationException("ExpressionAttributeNames can only be specified when using expressions")
        if not names:
            raise ValidationException("ExpressionAttributeNames must not be empty")
        for alias in names:
            if not (alias.startswith("#") and len(alias) > 1):
                raise ValidationException(
                    f'ExpressionAttributeNames contains invalid key: Syntax error; key: "{alias}"'
                )

    def _read_values(self, values: Mapping[str, AttributeValue], kinds: tuple[str, ...], given: list[str]) -> None:
        with_values = [kind for kind in kinds if kind != "ProjectionExpression"]
        if not any(kind in given for kind in with_values):
            verb = "is" if len(with_values) == 1 else "are"
            raise ValidationException(
                "ExpressionAttributeValues can only be specified when using expressions: "
                f"{' and '.join(with_values)} {verb} null"
            )
        if not values:
            raise ValidationException("ExpressionAttributeValues must not be empty")
        for alias, value in values.items():
            if not (alias.startswith(":") and len(alias) > 1):
                raise ValidationException(
                    f'ExpressionAttributeValues contains invalid key: Syntax error; key: "{alias}"'
                )
            try:
                self._values[alias], _ = normalise_value(value)
            except ValidationException as error:
                raise ValidationException(
                    f"ExpressionAttributeValues contains invalid value: {error.message} for key {alias}"
                ) from None
        self._unused_values = set(values)

    def _bound(self, kind: str, bind: Callable[[], Tree]) -> Tree:
        try:
            return bind()
        except InvalidExpression as error:
            raise ValidationException(f"Invalid {kind}: {error}") from None

    def _condition(self, condition: Condition) -> Condition:
        match condition:
            case Comparison(operator, left, right):
                left, right = self._operand(left), self._operand(right)
                _check_first_operand(operator, (left, right))
                if operator in _ORDERING:
                    for operand in (left, right):
                        _check_type(operator, operand, ("S", "N", "B"))
                return Comparison(operator, left, right)
            case Between(operand, low, high):
                bound = Between(self._operand(operand), self._operand(low), self._operand(high))
                _check_bounds(bound)
                return bound
            case In(operand, candidates):
                return In(self._operand(operand), tuple(self._operand(candidate) for candidate in candidates))
            case Not(inner):
                return Not(self._condition(inner))
            case And(conditions):
                return And(tuple(self._condition(inner) for inner in conditions))
            case Or(conditions):
                return Or(tuple(self._condition(inner) for inner in conditions))
        return self._function(condition)

    def _action(self, action: SetAction | RemoveAction | AddAction | DeleteAction) -> Any:
        path = self._path(action.path)
        match action:
            case SetAction(_, operand):
                return SetAction(path, self._operand(operand))
            case RemoveAction():
                return RemoveAction(path)
        value = self._value(action.value)
        allowed = ("N", "SS", "NS", "BS") if isinstance(action, AddAction) else ("SS", "NS", "BS")
        kind = type_of(value.attribute)
        if kind not in allowed:
            operator = "ADD" if isinstance(action, AddAction) else "DELETE"
            raise InvalidExpression(
                "Incorrect operand type for operator or function; "
                f"operator: {operator}, operand type: {_TYPE_WORDS[kind]}"
            )
        return type(action)(path, value)

    def _operand(self, operand: Any) -> Any:
        match operand:
            case Path():
                return self._path(operand)
            case Value():
                return self._value(operand)
            case Arithmetic(sign, left, right):
                bound = Arithmetic(sign, self._operand(left), self._operand(right))
                _check_type(sign, bound.left, ("N",))
                _check_type(sign, bound.right, ("N",))
                return bound
        return self._function(operand)

    def _function(self, function: Function) -> Function:
        arguments = tuple(self._operand(argument) for argument in function.arguments)
        name = function.name
        _check_first_operand(name, arguments)
        match name:
            case "begins_with":
                for argument in arguments:
                    _check_type(name, argument, ("S", "B"))
            case "size":
                _check_type(name, arguments[0], ("S", "B", "SS", "NS", "BS", "L", "M"))
            case "list_append":
                for argument in arguments:
                    _check_type(name, argument, ("L",))
            case "attribute_type":
                _check_attribute_type(arguments[1])
        return Function(name, arguments)

    def _path(self, path: Path) -> Path:
        return Path(
            tuple(
                self._name(element) if isinstance(element, str) and element.startswith("#") else element
                for element in path.elements
            )
        )

    def _name(self, alias: str) -> str:
        name = self._names.get(alias)
        if name is None:
            raise InvalidExpression(
                f"An expression attribute name used in the document path is not defined; attribute name: {alias}"
            )
        self._unused_names.discard(alias)
        return name

    def _value(self, value: Value) -> Value:
        attribute = self._values.get(value.alias)
        if attribute is None:
            raise InvalidExpression(
                f"An expression attribute value used in expression is not defined; attribute value: {value.alias}"
            )
        self._unused_values.discard(value.alias)
        return Value(value.alias, attribute)


def _check_type(operator: str, operand: Any, allowed: tuple[str, ...]) -> None:
    if isinstance(operand, Value) and type_of(operand.attribute) not in allowed:
        raise InvalidExpression(
            "Incorrect operand type for operator or function; "
            f"operator or function: {operator}, operand type: {type_of(operand.attribute)}"
        )


def _check_attribute_type(operand: Any) -> None:
    if not isinstance(operand, Value) or "S" not in operand.attribute:
        kind = type_of(operand.attribute) if isinstance(operand, Value) else "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"
        raise InvalidExpression(
            "Incorrect operand type for operator or function; "
            f"operator or function: attribute_type, operand type: {kind}"
        )
    if operand.attribute["S"] not in TYPES:
        raise InvalidExpression(
            f"Invalid attribute type name found; type: {operand.attribute['S']}, "
            "valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
        )


def _check_first_operand(operator: str, operands: tuple[Any, ...]) -> None:
    if len(operands) == 2 and isinstance(operands[0], Path) and operands[0] == operands[1]:
        raise InvalidExpression(
            "The first operand must be distinct from the remaining operands for this operator or function; "
            f"operator: {operator}, first operand: {operands[0]}"
        )


def _sorts_after(one: Value, other: Value) -> bool:
    return bool(sort_key(one.attribute) > sort_key(other.attribute))


def _check_bounds(between: Between) -> None:
    low, high = between.low, between.high
    if not (isinstance(low, Value) and isinstance(high, Value)):
        return
    low_type, high_type = type_of(low.attribute), type_of(high.attribute)
    bounds = (
        f"lower bound operand: AttributeValue: {{{low_type}:{low.attribute[low_type]}}}, "
        f"upper bound operand: AttributeValue: {{{high_type}:{high.attribute[high_type]}}}"
    )
    if low_type != high_type:
        raise InvalidExpression(f"The BETWEEN operator requires same data type for lower and upper bounds; {bounds}")
    _check_type("BETWEEN", low, ("S", "N", "B"))
    if _sorts_after(low, high):
        raise InvalidExpression(
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; " + bounds
        )
