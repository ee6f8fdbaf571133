"""Rows as AWS's shapes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast
from uuid import NAMESPACE_URL, uuid5

from aws_api.core.arns import is_arn
from aws_api.services.dynamodb.models import Index, Table
from aws_api.services.dynamodb.shapes import TableDescription
from aws_api.services.dynamodb.table_rules import ON_DEMAND

#: What AWS keeps warm for a table or index on demand.
_WARM_READS = 12_000
_WARM_WRITES = 4_000


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much a table holds: items and bytes, of the table (None) and by index id."""

    items: Mapping[int | None, int] = field(default_factory=dict)
    size_bytes: Mapping[int | None, int] = field(default_factory=dict)


def describe_table(
    table: Table,
    indexes: list[Index],
    extent: Extent,
    *,
    status: str = "ACTIVE",
    index_status: str | None = None,
    replicas: Sequence[str] = (),
) -> TableDescription:
    """A table's description; ``status`` is what the operation that answers it wants to be read.

    ``index_status`` is that of the indexes, where it is another. ``replicas`` are the other regions of a global table.
    """
    document = table.document
    on_demand = document.get("BillingMode") == ON_DEMAND
    description: dict[str, Any] = {
        "AttributeDefinitions": document["AttributeDefinitions"],
        "TableName": table.name,
        "KeySchema": document["KeySchema"],
        "TableStatus": status,
        "CreationDateTime": table.created_at,
        "ProvisionedThroughput": _throughput(document),
        "TableSizeBytes": extent.size_bytes.get(None, 0),
        "ItemCount": extent.items.get(None, 0),
        "TableArn": table.arn,
        "TableId": table.table_id,
        "DeletionProtectionEnabled": table.deletion_protection,
        "WarmThroughput": _warm(document, on_demand, status),
    }
    if "BillingMode" in document:
        description["BillingModeSummary"] = {"BillingMode": document["BillingMode"]}
        if on_demand:
            description["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"] = table.created_at
    if "OnDemandThroughput" in document:
        description["OnDemandThroughput"] = document["OnDemandThroughput"]
    if "TableClass" in document:
        description["TableClassSummary"] = {"TableClass": document["TableClass"]}
    if document.get("StreamSpecification", {}).get("StreamEnabled"):
        description["StreamSpecification"] = document["StreamSpecification"]
        description["LatestStreamLabel"] = document["StreamLabel"]
        description["LatestStreamArn"] = f"{table.arn}/stream/{document['StreamLabel']}"
    if document.get("SSESpecification", {}).get("Enabled"):
        description["SSEDescription"] = _encryption(table)
    if "RestoreSummary" in document:
        restored = document["RestoreSummary"]
        description["RestoreSummary"] = {
            **restored,
            "RestoreDateTime": datetime.fromtimestamp(restored["RestoreDateTime"], UTC),
        }
    if replicas:
        description["GlobalTableVersion"] = "2019.11.21"
        description["Replicas"] = [
            {
                "RegionName": region,
                "ReplicaStatus": "ACTIVE",
                "ReplicaArn": f"arn:aws:dynamodb:{region}:{table.account_id}:table/{table.name}",
            }
            for region in replicas
        ]
    for member, is_global in (("LocalSecondaryIndexes", False), ("GlobalSecondaryIndexes", True)):
        of_kind = [
            _describe_index(table, index, extent, on_demand=on_demand, status=index_status or status)
            for index in indexes
            if index.is_global is is_global and not index.is_expiry
        ]
        if of_kind:
            description[member] = of_kind
    return cast(TableDescription, description)


def _describe_index(table: Table, index: Index, extent: Extent, *, on_demand: bool, status: str) -> dict[str, Any]:
    description: dict[str, Any] = {
        "IndexName": index.name,
        "KeySchema": index.document["KeySchema"],
        "Projection": index.document["Projection"],
        "IndexSizeBytes": extent.size_bytes.get(index.entries, 0),
        "ItemCount": extent.items.get(index.entries, 0),
        "IndexArn": f"{table.arn}/index/{index.name}",
    }
    if index.is_global:
        description["IndexStatus"] = status if index.is_filled else "CREATING"
        if not index.is_filled:
            description["Backfilling"] = True
        description["ProvisionedThroughput"] = _throughput({} if on_demand else index.document)
        description["WarmThroughput"] = _warm(index.document, on_demand, status)
        if "OnDemandThroughput" in index.document:
            description["OnDemandThroughput"] = index.document["OnDemandThroughput"]
    return description


def _throughput(document: Mapping[str, Any]) -> dict[str, int]:
    throughput = document.get("ProvisionedThroughput", {})
    return {
        "NumberOfDecreasesToday": 0,
        "ReadCapacityUnits": throughput.get("ReadCapacityUnits", 0),
        "WriteCapacityUnits": throughput.get("WriteCapacityUnits", 0),
    }


def _warm(document: Mapping[str, Any], on_demand: bool, status: str) -> dict[str, Any]:
    throughput = document.get("ProvisionedThroughput", {})
    given = document.get("WarmThroughput", {})
    reads = _WARM_READS if on_demand else throughput.get("ReadCapacityUnits", _WARM_READS)
    writes = _WARM_WRITES if on_demand else throughput.get("WriteCapacityUnits", _WARM_WRITES)
    return {
        "ReadUnitsPerSecond": given.get("ReadUnitsPerSecond", reads),
        "WriteUnitsPerSecond": given.get("WriteUnitsPerSecond", writes),
        "Status": status,
    }


def _encryption(table: Table) -> dict[str, Any]:
    key = table.document["SSESpecification"].get("KMSMasterKeyId")
    place = f"arn:aws:kms:{table.region}:{table.account_id}"
    if key is None:
        # The key that AWS manages for DynamoDB: one per account and region, always the same.
        key = f"{place}:key/{uuid5(NAMESPACE_URL, f'{place}:alias/aws/dynamodb')}"
    elif not is_arn(key):
        key = f"{place}:{key}" if key.startswith("alias/") else f"{place}:key/{key}"
    return {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": key}
