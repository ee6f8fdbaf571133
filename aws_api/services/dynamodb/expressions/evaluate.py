"""Whether an item meets a bound condition. Pure.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
"""

from collections.abc import Callable
from operator import ge, gt, le, lt
from typing import Any

from aws_api.services.dynamodb.attribute_values import AttributeValue, Item, equal, sort_key, type_of
from aws_api.services.dynamodb.expressions.nodes import (
    And,
    Between,
    Comparison,
    Condition,
    Function,
    In,
    Not,
    Or,
    Path,
    Value,
)
from aws_api.services.dynamodb.expressions.paths import value_at

_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


def meets(item: Item, condition: Condition) -> bool:
    """Whether the item (empty, where there is none) meets the condition."""
    match condition:
        case Comparison(operator, left, right):
            return _compare(operator, _value_of(item, left), _value_of(item, right))
        case And(conditions):
            return all(meets(item, inner) for inner in conditions)
        case Or(conditions):
            return any(meets(item, inner) for inner in conditions)
        case Not(inner):
            return not meets(item, inner)
        case Between(operand, low, high):
            value = _value_of(item, operand)
            return _compare(">=", value, _value_of(item, low)) and _compare("<=", value, _value_of(item, high))
        case In(operand, candidates):
            value = _value_of(item, operand)
            return any(_compare("=", value, _value_of(item, candidate)) for candidate in candidates)
    return _holds(item, condition)


def _holds(item: Item, function: Function) -> bool:
    value = _value_of(item, function.arguments[0])
    if function.name == "attribute_exists":
        return value is not None
    if function.name == "attribute_not_exists":
        return value is None
    other = _value_of(item, function.arguments[1])
    if value is None or other is None:
        return False
    match function.name:
        case "attribute_type":
            return type_of(value) == other.get("S")
        case "begins_with":
            return _begins_with(value, other)
        case "contains":
            return _contains(value, other)
    raise AssertionError(function.name)


def _value_of(item: Item, operand: Any) -> AttributeValue | None:
    match operand:
        case Path():
            return value_at(item, operand)
        case Value():
            attribute: AttributeValue = operand.attribute
            return attribute
        case Function("size", (of,)):
            value = _value_of(item, of)
            if value is None:
                return None
            ((kind, content),) = value.items()
            return None if kind in ("N", "BOOL", "NULL") else {"N": str(len(content))}
    raise AssertionError(operand)


def _compare(operator: str, left: AttributeValue | None, right: AttributeValue | None) -> bool:
    if operator == "<>":
        # What is not there differs from everything that is.
        return left is None or right is None or not equal(left, right)
    if left is None or right is None:
        return False
    if operator == "=":
        return equal(left, right)
    if type_of(left) != type_of(right):
        return False
    one, other = sort_key(left), sort_key(right)
    return one is not None and _ORDERINGS[operator](one, other)


def _begins_with(value: AttributeValue, prefix: AttributeValue) -> bool:
    ((kind, content),) = value.items()
    return kind in ("S", "B") and kind in prefix and content.startswith(prefix[kind])


def _contains(value: AttributeValue, part: AttributeValue) -> bool:
    ((kind, content),) = value.items()
    if kind == "L":
        return any(equal(element, part) for element in content)
    ((part_kind, part_content),) = part.items()
    if kind in ("S", "B"):
        return part_kind == kind and part_content in content
    return kind in ("SS", "NS", "BS") and part_kind == kind[0] and part_content in content
