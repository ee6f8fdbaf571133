"""Keys as bytes that sort as DynamoDB sorts: what items and index entries are found by.

A partition key begins with four bytes of its digest, which spreads a scan and lets segments be ranges; a sort key
begins with the letter of its type, so that the empty bytes lie before and ``AFTER_EVERY_RANGE`` after every key.
"""

import hashlib
from dataclasses import dataclass

from aws_api.core.errors import ValidationException
from aws_api.services.dynamodb.attribute_values import AttributeValue, Item, type_of
from aws_api.services.dynamodb.numbers import encode_number, normalise_number
from aws_api.services.dynamodb.schema import ExpirySchema, IndexSchema, KeySchema, TableSchema

MAX_HASH_BYTES = 2048
MAX_RANGE_BYTES = 1024

_DIGEST_BYTES = 4
#: One less than four bytes can hold, so that four bytes of 0xff lie after every partition key.
_DIGESTS = (1 << 8 * _DIGEST_BYTES) - 1
BEFORE_EVERY_KEY = b""
AFTER_EVERY_HASH = b"\xff" * _DIGEST_BYTES
AFTER_EVERY_RANGE = b"\xff"
#: What stands for a partition key where items are kept in the order in which they expire.
EXPIRY_HASH = b"\x00" * _DIGEST_BYTES

_INVALID = "One or more parameter values were invalid: "


@dataclass(frozen=True, slots=True)
class EncodedKey:
    """A partition key and a sort key (empty bytes where the schema has none)."""

    hash: bytes
    range: bytes


def encode_hash(value: AttributeValue) -> bytes:
    """A partition key that was checked, as bytes."""
    encoded = _encode_scalar(value)
    digest = int.from_bytes(hashlib.blake2b(encoded, digest_size=8).digest()) % _DIGESTS
    return digest.to_bytes(_DIGEST_BYTES) + encoded


def encode_range(value: AttributeValue) -> bytes:
    """A sort key that was checked, as bytes that sort as the values do."""
    return type_of(value).encode() + _encode_scalar(value)


def segment_bounds(segment: int, total: int) -> tuple[bytes, bytes]:
    """The partition keys of a segment of a parallel scan: from (inclusive) and to (exclusive)."""
    start = -(-segment * _DIGESTS // total)
    end = -(-(segment + 1) * _DIGESTS // total)
    return start.to_bytes(_DIGEST_BYTES), end.to_bytes(_DIGEST_BYTES)


def key_of_item(table: TableSchema, item: Item) -> EncodedKey:
    """The key of an item to be stored, whose index keys are checked as well. Raises ValidationException."""
    for name, expected in table.keys.types.items():
        value = item.get(name)
        if value is None:
            raise ValidationException(f"{_INVALID}Missing the key {name} in the item")
        if expected not in value:
            raise ValidationException(
                f"{_INVALID}Type mismatch for key {name} expected: {expected} actual: {type_of(value)}"
            )
    key = _encode(table.keys, item)
    check_index_keys(table, item)
    return key


def check_index_keys(table: TableSchema, item: Item) -> None:
    """Raise ValidationException where an attribute that is an index's key cannot be one."""
    for index in table.indexes:
        for name, expected in index.keys.types.items():
            value = item.get(name)
            if value is None or name in table.keys.types:
                continue
            if expected not in value:
                raise ValidationException(
                    f"{_INVALID}Type mismatch for Index Key {name} Expected: {expected} Actual: {type_of(value)} "
                    f"IndexName: {index.name}"
                )
            if not value[expected]:
                raise ValidationException(
                    "One or more parameter values are not valid. A value specified for a secondary index key is not "
                    f"supported. The AttributeValue for a key attribute cannot contain an empty "
                    f"{_EMPTY_WORD[expected]} value. IndexName: {index.name}, IndexKey: {name}"
                )
            _check_size(value, is_hash=name == index.keys.hash_name)


def key_of_request(keys: KeySchema, key: Item) -> EncodedKey:
    """The key that a request names: exactly the schema's attributes. Raises ValidationException."""
    if len(key) != len(keys.names) or any(expected not in key.get(name, ()) for name, expected in keys.types.items()):
        raise ValidationException("The provided key element does not match the schema")
    return _encode(keys, key)


def normalise_key(key: Item) -> Item:
    """A key with its numbers in their one spelling."""
    return {
        name: {"N": normalise_number(value["N"])} if "N" in value and len(value) == 1 else value
        for name, value in key.items()
    }


def key_in_index(index: IndexSchema, item: Item) -> EncodedKey | None:
    """Where an item stands in an index; None where it lacks one of the index's keys and so is not in it."""
    if any(expected not in item.get(name, ()) for name, expected in index.keys.types.items()):
        return None
    return EncodedKey(
        encode_hash(item[index.keys.hash_name]),
        encode_range(item[index.keys.range_name]) if index.keys.range_name else b"",
    )


def key_in_expiry(expiry: ExpirySchema, item: Item) -> EncodedKey | None:
    """Where an item stands among those that expire; None where it does not say when, in a number."""
    when = item.get(expiry.attribute)
    return None if when is None or "N" not in when else EncodedKey(EXPIRY_HASH, encode_range(when))


def _encode(keys: KeySchema, item: Item) -> EncodedKey:
    for name, expected in keys.types.items():
        if not item[name][expected]:
            raise ValidationException(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
                f"empty {_EMPTY_WORD[expected]} value. Key: {name}"
            )
        _check_size(item[name], is_hash=name == keys.hash_name)
    return EncodedKey(
        encode_hash(item[keys.hash_name]), encode_range(item[keys.range_name]) if keys.range_name else b""
    )


_EMPTY_WORD = {"S": "string", "B": "binary", "N": "number"}


def _check_size(value: AttributeValue, *, is_hash: bool) -> None:
    ((kind, content),) = value.items()
    if kind == "N":
        return
    size = len(content) if kind == "B" else len(content.encode())
    if is_hash and size > MAX_HASH_BYTES:
        raise ValidationException(
            f"{_INVALID}Size of hashkey has exceeded the maximum size limit of{MAX_HASH_BYTES} bytes"
        )
    if not is_hash and size > MAX_RANGE_BYTES:
        raise ValidationException(
            f"{_INVALID}Aggregated size of all range keys has exceeded the size limit of {MAX_RANGE_BYTES} bytes"
        )


def _encode_scalar(value: AttributeValue) -> bytes:
    ((kind, content),) = value.items()
    if kind == "S":
        encoded: bytes = content.encode()
        return encoded
    return encode_number(content) if kind == "N" else bytes(content)
