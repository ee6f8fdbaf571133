"""CreateTable, DescribeTable, UpdateTable, DeleteTable, ListTables.

A table is there when CreateTable answers. It answers CREATING all the same, as clients that wait expect, and the next
DescribeTable answers ACTIVE.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.html
"""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from aws_api.core.context import Context
from aws_api.core.errors import ValidationException
from aws_api.core.tags import tags_from_list
from aws_api.services.dynamodb import contents, table_rules
from aws_api.services.dynamodb.describe import Extent
from aws_api.services.dynamodb.describe import describe_table as described
from aws_api.services.dynamodb.indexing import add_index
from aws_api.services.dynamodb.models import Index, Table
from aws_api.services.dynamodb.policies import put_policy
from aws_api.services.dynamodb.replicas import lock_replicas, other_regions, remove, save_changed, update_replicas
from aws_api.services.dynamodb.service import dynamodb
from aws_api.services.dynamodb.shapes import (
    CreateTableInput,
    CreateTableOutput,
    DeleteTableInput,
    DeleteTableOutput,
    DescribeTableInput,
    DescribeTableOutput,
    LimitExceededException,
    ListTablesInput,
    ListTablesOutput,
    ResourceInUseException,
    ResourceNotFoundException,
    UpdateTableInput,
    UpdateTableOutput,
)
from aws_api.services.dynamodb.streams import close_stream, open_stream
from aws_api.services.dynamodb.tables import check_name, find_row

MAX_LISTED = 100

#: Members of requests that are kept as they were received and described.
_KEPT = (
    "AttributeDefinitions",
    "KeySchema",
    "BillingMode",
    "ProvisionedThroughput",
    "StreamSpecification",
    "SSESpecification",
    "TableClass",
    "OnDemandThroughput",
    "WarmThroughput",
)
_NOT_EMULATED = (
    "GlobalTableSourceArn",
    "GlobalTableSettingsReplicationMode",
    "GlobalTableWitnessUpdates",
    "MultiRegionConsistency",
    "VectorIndexes",
    "VectorIndexUpdates",
)


@dynamodb.operation
def create_table(context: Context, request: CreateTableInput) -> CreateTableOutput:
    """Make a table with its indexes.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
    """
    check_name(request["TableName"])
    _refuse_what_is_not_emulated(request)
    table_rules.check_new_table(request)
    table = Table(
        account_id=context.account_id,
        region=context.region,
        name=request["TableName"],
        tags=tags_from_list(request.get("Tags")),
        deletion_protection=request.get("DeletionProtectionEnabled", False),
        document={member: request[member] for member in _KEPT if member in request},  # type: ignore[literal-required]
        created_at=context.clock.now(),
    )
    try:
        with transaction.atomic():
            table.save(force_insert=True)
    except IntegrityError:
        raise ResourceInUseException(f"Table already exists: {table.name}") from None
    if _is_streaming(table):
        _check_view_type(table.document["StreamSpecification"])
        open_stream(table, context.clock.now())
        table.save(update_fields=["document"])
    if "ResourcePolicy" in request:
        put_policy(table.arn, request["ResourcePolicy"])
    indexes = [
        Index.objects.create(table=table, name=index["IndexName"], is_global=is_global, document=_kept_of_index(index))
        for member, is_global in (("LocalSecondaryIndexes", False), ("GlobalSecondaryIndexes", True))
        for index in _listed(request, member)
    ]
    return {"TableDescription": described(table, indexes, Extent(), status="CREATING")}


@dynamodb.operation
def describe_table(context: Context, request: DescribeTableInput) -> DescribeTableOutput:
    """A table's keys, indexes, settings and extent.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeTable.html
    """
    table = find_row(context, request["TableName"])
    indexes = list(table.indexes.order_by("id"))
    extent = contents.measure(table, _without_expiry(indexes))
    return {"Table": described(table, indexes, extent, replicas=other_regions(table))}


@dynamodb.operation
def update_table(context: Context, request: UpdateTableInput) -> UpdateTableOutput:
    """Change a table's settings, add or remove one global index, or replicas in other regions.

    A new index of a large table is filled in the background.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
    """
    _refuse_what_is_not_emulated(request)
    if not request.keys() - {"TableName", "AttributeDefinitions"}:
        raise ValidationException(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
            "SSESpecification or ReplicaUpdates is required"
        )
    table = find_row(context, request["TableName"], lock=True)
    replicas = lock_replicas(table)
    _update_settings(context, table, request)
    statuses = _update_indexes(replicas, request)
    if "ReplicaUpdates" in request:
        update_replicas(table, request["ReplicaUpdates"], context.clock.now())
        replicas = lock_replicas(table)
    save_changed(replicas)
    indexes = list(table.indexes.order_by("id"))
    description = described(
        table,
        indexes,
        contents.measure(table, _without_expiry(indexes)),
        status="UPDATING",
        index_status="ACTIVE",
        replicas=other_regions(table),
    )
    for index in description.get("GlobalSecondaryIndexes", ()):
        index["IndexStatus"] = statuses.get(index["IndexName"], "ACTIVE")  # type: ignore[typeddict-item]
    return {"TableDescription": description}


@dynamodb.operation
def delete_table(context: Context, request: DeleteTableInput) -> DeleteTableOutput:
    """Delete a table; its items and index entries make room in the background.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteTable.html
    """
    table = find_row(context, request["TableName"], lock=True)
    if table.deletion_protection:
        raise ValidationException(
            "Resource cannot be deleted as it is currently protected against deletion. "
            "Disable deletion protection first."
        )
    indexes = list(table.indexes.order_by("id"))
    description = described(table, indexes, contents.measure(table, _without_expiry(indexes)), status="DELETING")
    remove(table, context.clock.now())
    return {"TableDescription": description}


@dynamodb.operation
def list_tables(context: Context, request: ListTablesInput) -> ListTablesOutput:
    """The names of the tables, in alphabetical order.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListTables.html
    """
    limit = request.get("Limit", MAX_LISTED)
    tables = Table.objects.filter(account_id=context.account_id, region=context.region)
    names = list(
        tables.filter(name__gt=request.get("ExclusiveStartTableName", ""))
        .order_by("name")
        .values_list("name", flat=True)[: limit + 1]
    )
    if len(names) <= limit:
        return {"TableNames": names}
    return {"TableNames": names[:limit], "LastEvaluatedTableName": names[limit - 1]}


def _update_settings(context: Context, table: Table, request: Mapping[str, Any]) -> None:
    document = table.document
    mode = request.get("BillingMode", document.get("BillingMode", table_rules.PROVISIONED))
    if "BillingMode" in request or "ProvisionedThroughput" in request:
        table_rules.check_throughput(mode, request.get("ProvisionedThroughput"))
        if mode == table_rules.ON_DEMAND:
            document.pop("ProvisionedThroughput", None)
    stream = request.get("StreamSpecification")
    if stream is not None:
        enabled = document.get("StreamSpecification", {}).get("StreamEnabled", False)
        if enabled and stream["StreamEnabled"]:
            raise ValidationException("Table already has an enabled stream: " + table.name)
        if not enabled and not stream["StreamEnabled"]:
            raise ValidationException("Table does not have an enabled stream to disable: " + table.name)
    for member in _KEPT:
        if member in request and member != "AttributeDefinitions":
            document[member] = request[member]
    if stream is not None and stream["StreamEnabled"]:
        _check_view_type(stream)
        open_stream(table, context.clock.now())
    elif stream is not None:
        close_stream(table, context.clock.now())
    table.deletion_protection = request.get("DeletionProtectionEnabled", table.deletion_protection)


def _update_indexes(replicas: list[Table], request: Mapping[str, Any]) -> dict[str, str]:
    """Make the changes of GlobalSecondaryIndexUpdates on a table and its replicas.

    Answers the status of those that were touched, by name.
    """
    updates = request.get("GlobalSecondaryIndexUpdates", ())
    if sum(1 for update in updates if "Create" in update or "Delete" in update) > 1:
        raise LimitExceededException(
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"
        )
    statuses: dict[str, str] = {}
    for update in updates:
        if "Create" in update:
            _create_index(replicas, update["Create"], request.get("AttributeDefinitions"))
            statuses[update["Create"]["IndexName"]] = "CREATING"
        elif "Delete" in update:
            _delete_index(replicas, update["Delete"]["IndexName"])
        elif "Update" in update:
            index = _global_index(replicas[0], update["Update"]["IndexName"])
            index.document = {**index.document, **_kept_of_index(update["Update"])}
            index.save()
            statuses[index.name] = "UPDATING"
    return statuses


def _create_index(
    replicas: list[Table], wanted: Mapping[str, Any], definitions: list[Mapping[str, Any]] | None
) -> None:
    table = replicas[0]
    document = table.document
    known = {definition["AttributeName"]: definition for definition in document["AttributeDefinitions"]}
    for definition in definitions or ():
        name = definition["AttributeName"]
        if name in known and known[name] != definition:
            raise ValidationException(
                f"One or more parameter values were invalid: Attribute {name} is defined with another type in the table"
            )
        known[name] = definition
    existing = list(table.indexes.filter(is_expiry=False))
    if any(not index.is_filled for index in existing):
        raise LimitExceededException(
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"
        )
    if any(index.name == wanted["IndexName"] for index in existing):
        raise ValidationException(
            f"One or more parameter values were invalid: Duplicate index name: {wanted['IndexName']}"
        )
    if sum(index.is_global for index in existing) >= table_rules.MAX_GLOBAL_INDEXES:
        raise ValidationException(
            "One or more parameter values were invalid: GlobalSecondaryIndex count exceeds the per-table limit of "
            f"{table_rules.MAX_GLOBAL_INDEXES}"
        )
    mode = document.get("BillingMode", table_rules.PROVISIONED)
    table_rules.check_global_index(wanted, list(known.values()), mode)
    table_rules.check_projected_names([wanted, *(index.document for index in existing)])
    in_use = _definitions_in_use(
        known, document["KeySchema"], wanted["KeySchema"], *(index.document["KeySchema"] for index in existing)
    )
    for replica in replicas:
        replica.document["AttributeDefinitions"] = in_use
    add_index(replicas, name=wanted["IndexName"], is_global=True, document=_kept_of_index(wanted))


def _delete_index(replicas: list[Table], name: str) -> None:
    contents.leave_entries([_global_index(replicas[0], name)])
    for table in replicas:
        table.indexes.filter(name=name, is_global=True).delete()
        document = table.document
        document["AttributeDefinitions"] = _definitions_in_use(
            {definition["AttributeName"]: definition for definition in document["AttributeDefinitions"]},
            document["KeySchema"],
            *(index.document["KeySchema"] for index in table.indexes.filter(is_expiry=False)),
        )


def _definitions_in_use(known: Mapping[str, Any], *schemas: list[Mapping[str, Any]]) -> list[Any]:
    used = {element["AttributeName"] for schema in schemas for element in schema}
    return [definition for name, definition in known.items() if name in used]


def _global_index(table: Table, name: str) -> Index:
    index: Index | None = table.indexes.filter(name=name, is_global=True).first()
    if index is None:
        raise ResourceNotFoundException(
            f"Requested resource not found: Table: {table.name} does not have the specified index: {name}"
        )
    return index


def _kept_of_index(index: Mapping[str, Any]) -> dict[str, Any]:
    return {member: value for member, value in index.items() if member != "IndexName"}


def _is_streaming(table: Table) -> bool:
    return bool(table.document.get("StreamSpecification", {}).get("StreamEnabled"))


def _check_view_type(specification: Mapping[str, Any]) -> None:
    if "StreamViewType" not in specification:
        raise ValidationException(
            "One or more parameter values were invalid: StreamViewType is required when StreamEnabled is true"
        )


def _without_expiry(indexes: list[Index]) -> list[Index]:
    return [index for index in indexes if not index.is_expiry]


def _listed(request: Mapping[str, Any], member: str) -> list[Mapping[str, Any]]:
    return request.get(member) or []


def _refuse_what_is_not_emulated(request: Mapping[str, Any]) -> None:
    for member in _NOT_EMULATED:
        if member in request:
            raise ValidationException(f"Simfra does not support {member} yet.")
