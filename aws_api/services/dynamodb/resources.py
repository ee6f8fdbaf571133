"""DynamoDB tables for the console's lists."""

from collections.abc import Iterator, Mapping
from typing import Any

from aws_api.core.resources import ResourceType, register_resource_type
from aws_api.services.dynamodb.describe import Extent, describe_table
from aws_api.services.dynamodb.models import Table


def _tables(account_id: str, region: str) -> Iterator[Mapping[str, Any]]:
    tables = Table.objects.filter(account_id=account_id, region=region).prefetch_related("indexes").order_by("name")
    for table in tables:
        yield describe_table(table, list(table.indexes.all()), Extent())


register_resource_type(
    ResourceType(
        service="dynamodb",
        name="table",
        plural="tables",
        columns=("TableName", "TableStatus", "CreationDateTime", "TableArn"),
        command="aws dynamodb describe-table --table-name {TableName}",
        list=_tables,
    )
)
