"""Operations as AWS reports them: what it does in the background is done here before the answer."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aws_api.core.context import Context
from aws_api.core.ids import new_suffix
from aws_api.services.servicediscovery.models import OperationRecord

#: Cloud Map forgets operations after thirty days.
_KEPT = timedelta(days=30)
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


def succeeded(context: Context, type_: str, targets: Mapping[str, str], namespace_id: str = "") -> dict[str, str]:
    """The answer of an operation that is done."""
    return _record(context, type=type_, status="SUCCESS", targets=dict(targets), namespace_id=namespace_id)


def failed(context: Context, type_: str, code: str, message: str) -> dict[str, str]:
    """The answer of an operation that could not be done; GetOperation tells why."""
    return _record(context, type=type_, status="FAIL", error_code=code, error_message=message)


def _record(context: Context, **columns: Any) -> dict[str, str]:
    now = context.clock.now()
    rows = OperationRecord.objects.filter(account_id=context.account_id, region=context.region)
    rows.filter(at__lt=now - _KEPT).delete()
    record = OperationRecord.objects.create(
        operation_id=f"{new_suffix(32, _ALPHABET)}-{new_suffix(8, _ALPHABET)}",
        account_id=context.account_id,
        region=context.region,
        at=now,
        **columns,
    )
    return {"OperationId": record.operation_id}
