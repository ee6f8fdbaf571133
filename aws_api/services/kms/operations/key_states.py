"""EnableKey, DisableKey, ScheduleKeyDeletion, CancelKeyDeletion.

https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
"""

from datetime import timedelta

from aws_api.core.context import Context
from aws_api.services.kms.access import on_key
from aws_api.services.kms.keys import find_customer_row, forget_key_on_commit
from aws_api.services.kms.models import Key
from aws_api.services.kms.service import kms
from aws_api.services.kms.shapes import (
    CancelKeyDeletionRequest,
    CancelKeyDeletionResponse,
    DisableKeyRequest,
    EnableKeyRequest,
    KMSInvalidStateException,
    ScheduleKeyDeletionRequest,
    ScheduleKeyDeletionResponse,
)

DEFAULT_WINDOW_DAYS = 30


@kms.operation(access=on_key("kms:EnableKey"))
def enable_key(context: Context, request: EnableKeyRequest) -> None:
    """Let a key be used again."""
    row = find_customer_row(context, request["KeyId"], operation="EnableKey")
    _refuse_pending_deletion(row)
    _set_state(row, Key.State.ENABLED)


@kms.operation(access=on_key("kms:DisableKey"))
def disable_key(context: Context, request: DisableKeyRequest) -> None:
    """Let nobody use a key until it is enabled again."""
    row = find_customer_row(context, request["KeyId"], operation="DisableKey")
    _refuse_pending_deletion(row)
    _set_state(row, Key.State.DISABLED)


@kms.operation(access=on_key("kms:ScheduleKeyDeletion"))
def schedule_key_deletion(context: Context, request: ScheduleKeyDeletionRequest) -> ScheduleKeyDeletionResponse:
    """Delete a key when the window is over; until then it cannot be used, and the deletion can be cancelled."""
    row = find_customer_row(context, request["KeyId"], operation="ScheduleKeyDeletion")
    _refuse_pending_deletion(row)
    window_days = request.get("PendingWindowInDays") or DEFAULT_WINDOW_DAYS
    row.deletion_at = context.clock.now() + timedelta(days=window_days)
    _set_state(row, Key.State.PENDING_DELETION)
    return {
        "KeyId": row.arn,
        "DeletionDate": row.deletion_at,
        "KeyState": "PendingDeletion",
        "PendingWindowInDays": window_days,
    }


@kms.operation(access=on_key("kms:CancelKeyDeletion"))
def cancel_key_deletion(context: Context, request: CancelKeyDeletionRequest) -> CancelKeyDeletionResponse:
    """Keep a key after all; it is disabled then."""
    row = find_customer_row(context, request["KeyId"], operation="CancelKeyDeletion")
    if row.state != Key.State.PENDING_DELETION:
        raise KMSInvalidStateException(f"{row.arn} is not pending deletion.")
    row.deletion_at = None
    _set_state(row, Key.State.DISABLED)
    return {"KeyId": row.arn}


def _refuse_pending_deletion(row: Key) -> None:
    if row.state == Key.State.PENDING_DELETION:
        raise KMSInvalidStateException(f"{row.arn} is pending deletion.")


def _set_state(row: Key, state: Key.State) -> None:
    row.state = state
    row.save(update_fields=["state", "deletion_at"])
    forget_key_on_commit(row)
