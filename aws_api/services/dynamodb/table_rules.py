"""What a table and its indexes must be, as CreateTable and UpdateTable demand it. Pure; raises ValidationException.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aws_api.core.errors import ValidationException

MAX_GLOBAL_INDEXES = 20
MAX_LOCAL_INDEXES = 5
MAX_PROJECTED_NAMES = 100
MAX_CAPACITY_UNITS = 1_000_000_000_000

ON_DEMAND = "PAY_PER_REQUEST"
PROVISIONED = "PROVISIONED"

_INVALID = "One or more parameter values were invalid: "

Shape = Mapping[str, Any]


def check_new_table(request: Shape) -> None:
    """Everything that CreateTable refuses and the model does not say."""
    for member in ("KeySchema", "AttributeDefinitions"):
        if member not in request:
            raise ValidationException(
                f"1 validation error detected: Value null at '{member[0].lower()}{member[1:]}' "
                "failed to satisfy constraint: Member must not be null"
            )
    definitions = request["AttributeDefinitions"]
    local, global_ = request.get("LocalSecondaryIndexes"), request.get("GlobalSecondaryIndexes")
    billing_mode = request.get("BillingMode", PROVISIONED)
    check_throughput(billing_mode, request.get("ProvisionedThroughput"))
    _check_keys(request["KeySchema"], definitions)
    if local is not None:
        _check_local_indexes(local, request["KeySchema"], definitions)
    if global_ is not None:
        if not global_:
            raise ValidationException(f"{_INVALID}List of GlobalSecondaryIndexes is empty")
        for index in global_:
            check_global_index(index, definitions, billing_mode)
        if len(global_) > MAX_GLOBAL_INDEXES:
            raise ValidationException(
                f"{_INVALID}GlobalSecondaryIndex count exceeds the per-table limit of {MAX_GLOBAL_INDEXES}"
            )
    indexes = [*(local or ()), *(global_ or ())]
    _check_distinct_names(index["IndexName"] for index in indexes)
    check_projected_names(indexes)
    check_definitions_used([request["KeySchema"], *(index["KeySchema"] for index in indexes)], definitions)


def check_throughput(billing_mode: str, throughput: Shape | None) -> None:
    """Capacity is given where it is provisioned, and only there."""
    if billing_mode == ON_DEMAND:
        if throughput is not None:
            raise ValidationException(
                f"{_INVALID}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when "
                f"BillingMode is {ON_DEMAND}"
            )
        return
    if throughput is None:
        raise ValidationException(
            f"{_INVALID}ReadCapacityUnits and WriteCapacityUnits must both be specified when "
            f"BillingMode is {PROVISIONED}"
        )
    for member in ("ReadCapacityUnits", "WriteCapacityUnits"):
        if throughput[member] > MAX_CAPACITY_UNITS:
            raise ValidationException(f"Given value {throughput[member]} for {member} is out of bounds")


def check_global_index(index: Shape, definitions: Sequence[Shape], billing_mode: str) -> None:
    """A global index by itself."""
    _check_keys(index["KeySchema"], definitions)
    _check_projection(index["Projection"])
    if billing_mode == ON_DEMAND and "ProvisionedThroughput" in index:
        raise ValidationException(
            f"{_INVALID}ProvisionedThroughput should not be specified for index: {index['IndexName']} "
            f"when BillingMode is {ON_DEMAND}"
        )
    if billing_mode == PROVISIONED and "ProvisionedThroughput" not in index:
        raise ValidationException(f"{_INVALID}ProvisionedThroughput must be specified for index: {index['IndexName']}")


def check_projected_names(indexes: Iterable[Shape]) -> None:
    """All indexes of a table together name only so many attributes besides the keys."""
    names = sum(len(index["Projection"].get("NonKeyAttributes", ())) for index in indexes)
    if names > MAX_PROJECTED_NAMES:
        raise ValidationException(
            f"{_INVALID}Number of NonKeyAttributes exceeds the per-table limit of {MAX_PROJECTED_NAMES}"
        )


def check_definitions_used(schemas: Sequence[Sequence[Shape]], definitions: Sequence[Shape]) -> None:
    """Only attributes that are some key are defined, and each of them once."""
    defined = [definition["AttributeName"] for definition in definitions]
    used = list(dict.fromkeys(element["AttributeName"] for schema in schemas for element in schema))
    if len(set(defined)) != len(defined):
        duplicate = next(name for name in defined if defined.count(name) > 1)
        raise ValidationException(f"{_INVALID}Duplicate AttributeName in AttributeDefinitions: {duplicate}")
    if set(defined) != set(used):
        if len(schemas) == 1:
            raise ValidationException(
                f"{_INVALID}Number of attributes in KeySchema does not exactly match number of attributes "
                "defined in AttributeDefinitions"
            )
        raise ValidationException(
            f"{_INVALID}Some AttributeDefinitions are not used. AttributeDefinitions: [{', '.join(defined)}], "
            f"keys used: [{', '.join(used)}]"
        )


def _check_local_indexes(indexes: Sequence[Shape], table_keys: Sequence[Shape], definitions: Sequence[Shape]) -> None:
    if not indexes:
        raise ValidationException(f"{_INVALID}List of LocalSecondaryIndexes is empty")
    if len(table_keys) != 2:
        raise ValidationException(
            f"{_INVALID}Table KeySchema does not have a range key, which is required when specifying a "
            "LocalSecondaryIndex"
        )
    table_hash = table_keys[0]["AttributeName"]
    for index in indexes:
        _check_keys(index["KeySchema"], definitions)
        if len(index["KeySchema"]) != 2:
            raise ValidationException(
                f"{_INVALID}Index KeySchema does not have a range key for index: {index['IndexName']}"
            )
        index_hash = index["KeySchema"][0]["AttributeName"]
        if index_hash != table_hash:
            raise ValidationException(
                f"{_INVALID}Index KeySchema does not have the same leading hash key as table KeySchema for index: "
                f"{index['IndexName']}. index hash key: {index_hash}, table hash key: {table_hash}"
            )
        _check_projection(index["Projection"])
    if len(indexes) > MAX_LOCAL_INDEXES:
        raise ValidationException(
            f"{_INVALID}Number of LocalSecondaryIndexes exceeds per-table limit of {MAX_LOCAL_INDEXES}"
        )


def _check_keys(elements: Sequence[Shape], definitions: Sequence[Shape]) -> None:
    names = [element["AttributeName"] for element in elements]
    defined = [definition["AttributeName"] for definition in definitions]
    if any(name not in defined for name in names):
        raise ValidationException(
            f"{_INVALID}Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(names)}], AttributeDefinitions: [{', '.join(defined)}]"
        )
    if len(names) > 1 and names[0] == names[1]:
        raise ValidationException("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    if elements[0]["KeyType"] != "HASH":
        raise ValidationException("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if len(elements) > 1 and elements[1]["KeyType"] != "RANGE":
        raise ValidationException("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
    if len(elements) > 2:
        raise ValidationException(f"{_INVALID}KeySchema can have one HASH and one RANGE key element at most")


def _check_projection(projection: Shape) -> None:
    kind = projection.get("ProjectionType")
    if kind is None:
        raise ValidationException(f"{_INVALID}Unknown ProjectionType: null")
    if "NonKeyAttributes" in projection and kind != "INCLUDE":
        raise ValidationException(f"{_INVALID}ProjectionType is {kind}, but NonKeyAttributes is specified")
    if "NonKeyAttributes" not in projection and kind == "INCLUDE":
        raise ValidationException(f"{_INVALID}ProjectionType is INCLUDE, but NonKeyAttributes is not specified")


def _check_distinct_names(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValidationException(f"{_INVALID}Duplicate index name: {name}")
        seen.add(name)
