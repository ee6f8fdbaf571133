"""Attribute values in AWS's own shape (``{"S": "text"}``, blobs as bytes): checked, measured, compared. Pure.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

import base64
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson

from aws_api.core.errors import ValidationException
from aws_api.services.dynamodb.numbers import normalise_number, number_size

AttributeValue = Mapping[str, Any]
Item = Mapping[str, AttributeValue]

MAX_DEPTH = 32
MAX_ITEM_BYTES = 400 * 1024
TYPES = ("S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL")

_INVALID = "One or more parameter values were invalid: "


def normalise_item(item: Item) -> tuple[dict[str, Any], int]:
    """An item with every number in its one spelling, and its size in bytes. Raises ValidationException."""
    size = 0
    normalised = {}
    for name, value in item.items():
        normalised[name], value_size = normalise_value(value)
        size += value_size + (len(name) if name.isascii() else len(name.encode()))
    return normalised, size


def normalise_value(value: AttributeValue, depth: int = 0) -> tuple[dict[str, Any], int]:
    """A value with every number in its one spelling, and its size in bytes. Raises ValidationException."""
    if len(value) != 1:
        if not value:
            raise ValidationException(
                "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
            )
        raise ValidationException(
            "Supplied AttributeValue has more than one datatypes set, "
            "must contain exactly one of the supported datatypes"
        )
    ((kind, content),) = value.items()
    if kind == "S":
        return {"S": content}, len(content) if content.isascii() else len(content.encode())
    if kind == "N":
        number = normalise_number(content)
        return {"N": number}, number_size(number)
    if kind == "BOOL":
        return {"BOOL": content}, 1
    if kind == "NULL":
        if content is not True:
            raise ValidationException(f"{_INVALID}Null attribute value types must have the value of true")
        return {"NULL": True}, 1
    if kind == "B":
        return {"B": bytes(content)}, len(content)
    if kind == "M":
        _check_depth(depth)
        size = 3
        members = {}
        for name, member in content.items():
            members[name], member_size = normalise_value(member, depth + 1)
            size += 1 + len(name.encode()) + member_size
        return {"M": members}, size
    if kind == "L":
        _check_depth(depth)
        elements = [normalise_value(element, depth + 1) for element in content]
        return {"L": [element for element, _ in elements]}, 3 + sum(1 + size for _, size in elements)
    if kind in ("SS", "NS", "BS"):
        return _normalise_set(kind, content)
    raise ValidationException("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")


def type_of(value: AttributeValue) -> str:
    """The data type descriptor of a value: ``S``, ``N``, ``B`` ..."""
    return next(iter(value))


def item_size(item: Item) -> int:
    """The size in bytes of an item that is normalised already."""
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


def value_size(value: AttributeValue) -> int:
    """The size in bytes of a value that is normalised already."""
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content) if content.isascii() else len(content.encode())
        case "N":
            return number_size(content)
        case "B":
            return len(content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + value_size(member) for name, member in content.items())
        case "L":
            return 3 + sum(1 + value_size(element) for element in content)
        case "SS":
            return sum(len(element.encode()) for element in content)
        case "NS":
            return sum(number_size(element) for element in content)
        case "BS":
            return sum(len(element) for element in content)
    return 1


def depth_of(value: AttributeValue) -> int:
    """How many lists and maps lie around the deepest value. 0 for a scalar or a set."""
    ((kind, content),) = value.items()
    if kind == "M":
        return 1 + max(map(depth_of, content.values()), default=0)
    if kind == "L":
        return 1 + max(map(depth_of, content), default=0)
    return 0


def equal(left: AttributeValue, right: AttributeValue) -> bool:
    """Whether two values are the same: of one type, sets in any order, lists and maps member by member."""
    ((kind, one),) = left.items()
    if kind not in right:
        return False
    other = right[kind]
    if kind in ("SS", "NS", "BS"):
        return len(one) == len(other) and frozenset(one) == frozenset(other)
    if kind == "L":
        return len(one) == len(other) and all(map(equal, one, other))
    if kind == "M":
        return one.keys() == other.keys() and all(equal(member, other[name]) for name, member in one.items())
    return bool(one == other)


def sort_key(value: AttributeValue) -> Any:
    """What a string, number or binary sorts by among its kind; None for types without an order."""
    ((kind, content),) = value.items()
    if kind == "S":
        return content.encode()
    if kind == "N":
        return Decimal(content)
    return content if kind == "B" else None


def item_to_bytes(item: Item) -> bytes:
    """An item as its wire JSON, which is how it is stored: Postgres's own jsonb takes no NUL in a string."""
    return orjson.dumps(item, default=_blob_to_text)


def item_from_bytes(data: bytes) -> dict[str, Any]:
    """The item again, blobs as bytes."""
    item: dict[str, Any] = orjson.loads(data)
    # Most items hold no binary and need no second look; an attribute that is merely named B costs one for nothing.
    if b'{"B":' in data or b'{"BS":' in data:
        return item_with_blobs(item)
    return item


def item_with_blobs(item: Item) -> dict[str, Any]:
    """An item of wire JSON, blobs as bytes."""
    return {name: _with_blobs(value) for name, value in item.items()}


def _normalise_set(kind: str, elements: Sequence[Any]) -> tuple[dict[str, Any], int]:
    if not elements:
        raise ValidationException(f"{_INVALID}An AttributeValue may not contain an empty set")
    normalised: list[Any]
    if kind == "NS":
        normalised = [normalise_number(element) for element in elements]
    elif kind == "BS":
        normalised = [bytes(element) for element in elements]
    else:
        normalised = list(elements)
    if len(frozenset(normalised)) != len(normalised):
        listed = ", ".join(base64.b64encode(element).decode() if kind == "BS" else str(element) for element in elements)
        of_type = "of type BS " if kind == "BS" else ""
        raise ValidationException(f"{_INVALID}Input collection [{listed}]{of_type or ' '}contains duplicates.")
    value = {kind: normalised}
    return value, value_size(value)


def _check_depth(depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise ValidationException("Nesting Levels have exceeded supported limits")


def _blob_to_text(blob: Any) -> str:
    return base64.b64encode(blob).decode()


def _with_blobs(value: Mapping[str, Any]) -> dict[str, Any]:
    ((kind, content),) = value.items()
    if kind == "B":
        return {"B": base64.b64decode(content)}
    if kind == "BS":
        return {"BS": [base64.b64decode(element) for element in content]}
    if kind == "M":
        return {"M": {name: _with_blobs(member) for name, member in content.items()}}
    if kind == "L":
        return {"L": [_with_blobs(element) for element in content]}
    return dict(value)
