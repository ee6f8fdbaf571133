"""What became of operations."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q

from aws_api.core.context import Context
from aws_api.services.servicediscovery.describe import describe_operation
from aws_api.services.servicediscovery.listing import Column, filtered, page
from aws_api.services.servicediscovery.models import OperationRecord
from aws_api.services.servicediscovery.service import servicediscovery
from aws_api.services.servicediscovery.shapes import (
    GetOperationRequest,
    InvalidInput,
    ListOperationsRequest,
    OperationNotFound,
)

Shape = dict[str, Any]


@servicediscovery.operation
def get_operation(context: Context, request: GetOperationRequest) -> Shape:
    """Describe an operation: it is done, or says why it could not be."""
    rows = OperationRecord.objects.filter(account_id=context.account_id, region=context.region)
    record = rows.filter(operation_id=request["OperationId"]).first()
    if record is None:
        raise OperationNotFound(f"Operation not found: {request['OperationId']}")
    return {"Operation": describe_operation(record)}


@servicediscovery.operation
def list_operations(context: Context, request: ListOperationsRequest) -> Shape:
    """List operations, the oldest first."""
    rows = OperationRecord.objects.filter(account_id=context.account_id, region=context.region)
    columns: dict[str, Column] = {
        "NAMESPACE_ID": "namespace_id",
        "SERVICE_ID": lambda values: Q(targets__SERVICE__in=list(values)),
        "STATUS": "status",
        "TYPE": "type",
        "UPDATE_DATE": _between,
    }
    found, token = page(filtered(rows, request.get("Filters", ()), columns), request, by="id")
    return {"Operations": [{"Id": row.operation_id, "Status": row.status} for row in found], **token}


def _between(values: Sequence[str]) -> Q:
    """Two moments, in seconds since 1970."""
    try:
        moments = [datetime.fromtimestamp(float(value), UTC) for value in values]
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidInput("UPDATE_DATE takes moments in seconds since 1970") from error
    if len(moments) != 2:
        raise InvalidInput("UPDATE_DATE takes a start and an end")
    return Q(at__range=moments)
