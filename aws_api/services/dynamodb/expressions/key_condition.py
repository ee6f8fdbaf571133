"""What a key condition means for a key schema: one partition key and an interval of sort keys. Pure.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
"""

from dataclasses import dataclass
from typing import Any

from aws_api.core.errors import ValidationException
from aws_api.services.dynamodb.attribute_values import AttributeValue
from aws_api.services.dynamodb.expressions.nodes import And, Between, Comparison, Condition, Function, Not, Path, Value
from aws_api.services.dynamodb.expressions.nodes import In as Among
from aws_api.services.dynamodb.expressions.nodes import Or as Either
from aws_api.services.dynamodb.keys import AFTER_EVERY_RANGE, BEFORE_EVERY_KEY, encode_hash, encode_range
from aws_api.services.dynamodb.schema import KeySchema

_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<=", "<>": "<>"}
_UNSUPPORTED = "Query key condition not supported"


@dataclass(frozen=True, slots=True)
class KeyInterval:
    """The items of one partition whose sort key is at least ``low`` and below ``high``, as encoded bytes."""

    hash_value: AttributeValue
    hash: bytes
    low: bytes
    high: bytes


def key_interval(condition: Condition, keys: KeySchema) -> KeyInterval:
    """The interval that a bound key condition describes. Raises ValidationException."""
    by_name: dict[str, tuple[str, tuple[AttributeValue, ...]]] = {}
    for part in _conjuncts(condition):
        path, operator, values = _term(part)
        if len(path.elements) != 1:
            raise ValidationException(
                "Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested attributes"
            )
        name = str(path.elements[0])
        if name in by_name:
            raise ValidationException(
                "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key"
            )
        by_name[name] = (operator, values)
    return interval_of_terms(by_name, keys)


def interval_of_terms(by_name: dict[str, tuple[str, tuple[AttributeValue, ...]]], keys: KeySchema) -> KeyInterval:
    """The interval of operators and operands by attribute name. Raises ValidationException."""
    for name in keys.names[: max(len(by_name), 1)]:
        if name not in by_name:
            raise ValidationException(f"Query condition missed key schema element: {name}")
    if len(by_name) > len(keys.names):
        raise ValidationException(_UNSUPPORTED)
    for name, (_, values) in by_name.items():
        for value in values:
            if keys.types[name] not in value:
                raise ValidationException(
                    "One or more parameter values were invalid: Condition parameter type does not match schema type"
                )
            if not value[keys.types[name]] and len(values) == 1 and by_name[name][0] == "=":
                word = "string" if keys.types[name] == "S" else "binary"
                raise ValidationException(
                    "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
                    f"contain an empty {word} value. Key: {name}"
                )
    operator, (hash_value, *_) = by_name[keys.hash_name]
    if operator != "=":
        raise ValidationException(_UNSUPPORTED)
    low, high = BEFORE_EVERY_KEY, AFTER_EVERY_RANGE
    if keys.range_name is not None and keys.range_name in by_name:
        low, high = _range_interval(*by_name[keys.range_name])
    return KeyInterval(hash_value, encode_hash(hash_value), low, high)


def _range_interval(operator: str, values: tuple[AttributeValue, ...]) -> tuple[bytes, bytes]:
    encoded = [encode_range(value) for value in values]
    match operator:
        case "=":
            return encoded[0], _after(encoded[0])
        case "<":
            return BEFORE_EVERY_KEY, encoded[0]
        case "<=":
            return BEFORE_EVERY_KEY, _after(encoded[0])
        case ">":
            return _after(encoded[0]), AFTER_EVERY_RANGE
        case ">=":
            return encoded[0], AFTER_EVERY_RANGE
        case "between":
            return encoded[0], _after(encoded[1])
        case "begins_with" if "N" not in values[0]:
            return encoded[0], _after_prefix(encoded[0])
    raise ValidationException(_UNSUPPORTED)


def _after(key: bytes) -> bytes:
    """The very next key in the order of bytes."""
    return key + b"\x00"


def _after_prefix(prefix: bytes) -> bytes:
    """The first key that no longer begins with the prefix."""
    trimmed = prefix.rstrip(b"\xff")  # its first byte is a letter, so something is left
    return trimmed[:-1] + bytes((trimmed[-1] + 1,))


def _conjuncts(condition: Condition) -> tuple[Condition, ...]:
    if not isinstance(condition, And):
        return (condition,)
    return tuple(part for inner in condition.conditions for part in _conjuncts(inner))


def _term(condition: Condition) -> tuple[Path, str, tuple[AttributeValue, ...]]:
    match condition:
        case Comparison(operator, Path() as path, Value() as value) if operator != "<>":
            return path, operator, (value.attribute,)
        case Comparison(operator, Value() as value, Path() as path) if operator != "<>":
            return path, _MIRRORED[operator], (value.attribute,)
        case Between(Path() as path, Value() as low, Value() as high):
            return path, "between", (low.attribute, high.attribute)
        case Function("begins_with", (Path() as path, Value() as value)):
            return path, "begins_with", (value.attribute,)
    raise ValidationException(
        f"Invalid KeyConditionExpression: Invalid operator used in KeyConditionExpression: {_operator(condition)}"
    )


def _operator(condition: Any) -> str:
    match condition:
        case Either():
            return "OR"
        case Not():
            return "NOT"
        case Among():
            return "IN"
        case Comparison(operator):
            return str(operator)
        case Function(name):
            return str(name)
    return "BETWEEN"
