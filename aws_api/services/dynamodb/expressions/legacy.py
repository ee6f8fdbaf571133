"""The parameters from before expressions, as the trees that expressions are. Pure.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_api.core.errors import ValidationException
from aws_api.services.dynamodb.attribute_values import AttributeValue, normalise_value, type_of
from aws_api.services.dynamodb.expressions.key_condition import KeyInterval, interval_of_terms
from aws_api.services.dynamodb.expressions.nodes import (
    Action,
    AddAction,
    And,
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
from aws_api.services.dynamodb.schema import KeySchema

_INVALID = "One or more parameter values were invalid: "
_COMPARATORS = {"EQ": "=", "NE": "<>", "LT": "<", "LE": "<=", "GT": ">", "GE": ">="}
_OPERANDS = {**dict.fromkeys(_COMPARATORS, 1), "CONTAINS": 1, "NOT_CONTAINS": 1, "BEGINS_WITH": 1, "BETWEEN": 2}
_WITHOUT_OPERAND = ("NULL", "NOT_NULL")


def check_not_mixed(request: Mapping[str, Any], legacy: Sequence[str], expressions: Sequence[str]) -> None:
    """Raise ValidationException where a request uses both the old and the new parameters."""
    old = [member for member in legacy if member in request]
    new = [member for member in expressions if member in request]
    if old and new:
        raise ValidationException(
            "Can not use both expression and non-expression parameters in the same request: "
            f"Non-expression parameters: {{{', '.join(old)}}} Expression parameters: {{{', '.join(new)}}}"
        )
    if "ConditionalOperator" in request and not any(member in request for member in _WITH_OPERATOR):
        raise ValidationException(
            f"{_INVALID}ConditionalOperator can only be used when Filter or Expected has two or more elements"
        )


_WITH_OPERATOR = ("Expected", "QueryFilter", "ScanFilter")


def projection_of(names: Sequence[str] | None) -> Projection | None:
    """AttributesToGet as a projection."""
    if names is None:
        return None
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        raise ValidationException(f"{_INVALID}Duplicate value in attribute name: {duplicates[0]}")
    return tuple(Path((name,)) for name in names)


def condition_of_expected(expected: Mapping[str, Any] | None, operator: str | None) -> Condition | None:
    """Expected as a condition; None where there is nothing to expect."""
    if not expected:
        return None
    return _joined([_expectation(name, member) for name, member in expected.items()], operator)


def condition_of_filter(filters: Mapping[str, Any] | None, operator: str | None) -> Condition | None:
    """QueryFilter or ScanFilter as a condition."""
    if not filters:
        return None
    return _joined(
        [
            _condition(name, member["ComparisonOperator"], _values(member.get("AttributeValueList")))
            for name, member in filters.items()
        ],
        operator,
    )


def interval_of_key_conditions(conditions: Mapping[str, Any], keys: KeySchema) -> KeyInterval:
    """KeyConditions as an interval of keys."""
    terms = {}
    for name, member in conditions.items():
        operator = member["ComparisonOperator"]
        values = _values(member.get("AttributeValueList"))
        _check_operands(operator, values)
        if operator not in ("EQ", "LT", "LE", "GT", "GE", "BETWEEN", "BEGINS_WITH"):
            raise ValidationException("Attempted conditional constraint is not an indexable operation")
        terms[name] = (_COMPARATORS.get(operator, operator.lower()), values)
    if not 1 <= len(terms) <= 2:
        raise ValidationException("Conditions can be of length 1 or 2 only")
    return interval_of_terms(terms, keys)


def update_of(updates: Mapping[str, Any]) -> Update:
    """AttributeUpdates as an update."""
    return Update(tuple(_action(name, member) for name, member in updates.items()))


def _action(name: str, member: Mapping[str, Any]) -> Action:
    path = Path((name,))
    action = member.get("Action", "PUT")
    if "Value" not in member:
        if action != "DELETE":
            raise ValidationException(f"{_INVALID}Only DELETE action is allowed when no attribute value is specified")
        return RemoveAction(path)
    value = _value(member["Value"])
    kind = type_of(value.attribute)
    if action == "PUT":
        return SetAction(path, value)
    if action == "ADD":
        if kind == "L":
            return SetAction(path, Function("list_append", (Function("if_not_exists", (path, _EMPTY_LIST)), value)))
        if kind not in ("N", "SS", "NS", "BS"):
            raise ValidationException(f"{_INVALID}ADD action is not supported for the type {kind}")
        return AddAction(path, value)
    if kind not in ("SS", "NS", "BS"):
        raise ValidationException(f"{_INVALID}DELETE action with value is not supported for the type {kind}")
    return DeleteAction(path, value)


def _expectation(name: str, member: Mapping[str, Any]) -> Condition:
    if "ComparisonOperator" in member:
        given = [member["Value"]] if "Value" in member else member.get("AttributeValueList")
        return _condition(name, member["ComparisonOperator"], _values(given))
    if "AttributeValueList" in member:
        raise ValidationException(
            f"{_INVALID}AttributeValueList can only be used with a ComparisonOperator for Attribute: {name}"
        )
    exists = member.get("Exists")
    if exists is False:
        if "Value" in member:
            raise ValidationException(
                f"{_INVALID}Value cannot be used when Exists is set to false for Attribute: {name}"
            )
        return Function("attribute_not_exists", (Path((name,)),))
    if "Value" not in member:
        word = "null" if exists is None else "true"
        raise ValidationException(f"{_INVALID}Value must be provided when Exists is {word} for Attribute: {name}")
    return Comparison("=", Path((name,)), _value(member["Value"]))


def _condition(name: str, operator: str, values: tuple[AttributeValue, ...]) -> Condition:
    _check_operands(operator, values)
    path = Path((name,))
    operands = tuple(Value("", value) for value in values)
    if operator in _COMPARATORS:
        return Comparison(_COMPARATORS[operator], path, operands[0])
    match operator:
        case "NULL":
            return Function("attribute_not_exists", (path,))
        case "NOT_NULL":
            return Function("attribute_exists", (path,))
        case "IN":
            return In(path, operands)
        case "BETWEEN":
            return Between(path, *operands)
        case "NOT_CONTAINS":
            return And((Function("attribute_exists", (path,)), Not(Function("contains", (path, *operands)))))
    return Function(operator.lower(), (path, *operands))


def _check_operands(operator: str, values: tuple[AttributeValue, ...]) -> None:
    expected = 0 if operator in _WITHOUT_OPERAND else _OPERANDS.get(operator)
    if (expected is None and not values) or (expected is not None and len(values) != expected):
        raise ValidationException(f"{_INVALID}Invalid number of argument(s) for the {operator} ComparisonOperator")


def _joined(conditions: list[Condition], operator: str | None) -> Condition:
    if len(conditions) == 1:
        return conditions[0]
    return Or(tuple(conditions)) if operator == "OR" else And(tuple(conditions))


def _values(values: Sequence[AttributeValue] | None) -> tuple[AttributeValue, ...]:
    return tuple(normalise_value(value)[0] for value in values or ())


def _value(value: AttributeValue) -> Value:
    return Value("", normalise_value(value)[0])


_EMPTY_LIST = Value("", {"L": []})
