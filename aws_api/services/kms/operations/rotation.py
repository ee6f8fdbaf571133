"""Key rotation: the automatic one as a setting, the one on demand for real.

https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
"""

from datetime import datetime, timedelta

from aws_api.core.context import Context
from aws_api.services.kms import materials
from aws_api.services.kms.access import on_key
from aws_api.services.kms.key_specs import SYMMETRIC
from aws_api.services.kms.keys import check_state, find_customer_row, find_row, forget_key_on_commit
from aws_api.services.kms.listing import page_of_items
from aws_api.services.kms.models import Key, KeyMaterial
from aws_api.services.kms.service import kms
from aws_api.services.kms.shapes import (
    DisableKeyRotationRequest,
    EnableKeyRotationRequest,
    GetKeyRotationStatusRequest,
    GetKeyRotationStatusResponse,
    LimitExceededException,
    ListKeyRotationsRequest,
    ListKeyRotationsResponse,
    RotateKeyOnDemandRequest,
    RotateKeyOnDemandResponse,
    RotationsListEntry,
    UnsupportedOperationException,
)

DEFAULT_PERIOD_DAYS = 365
MAX_ROTATIONS_ON_DEMAND = 25


@kms.operation(access=on_key("kms:EnableKeyRotation"))
def enable_key_rotation(context: Context, request: EnableKeyRotationRequest) -> None:
    """Keep the wish that a key be rotated, and how often."""
    row = _rotatable(context, request["KeyId"], "EnableKeyRotation")
    row.rotation_period_days = request.get("RotationPeriodInDays") or DEFAULT_PERIOD_DAYS
    row.rotation_enabled_at = context.clock.now()
    row.save(update_fields=["rotation_period_days", "rotation_enabled_at"])


@kms.operation(access=on_key("kms:DisableKeyRotation"))
def disable_key_rotation(context: Context, request: DisableKeyRotationRequest) -> None:
    """Rotate a key no more."""
    row = _rotatable(context, request["KeyId"], "DisableKeyRotation")
    row.rotation_period_days = row.rotation_enabled_at = None
    row.save(update_fields=["rotation_period_days", "rotation_enabled_at"])


@kms.operation(access=on_key("kms:GetKeyRotationStatus"))
def get_key_rotation_status(context: Context, request: GetKeyRotationStatusRequest) -> GetKeyRotationStatusResponse:
    """Whether a key is to be rotated, how often and when next."""
    row = find_row(context, request["KeyId"], allows_alias=False)
    # A key that is to be deleted is not rotated; its setting waits for the deletion to be cancelled.
    is_enabled = row.rotation_enabled_at is not None and row.state != Key.State.PENDING_DELETION
    answer: GetKeyRotationStatusResponse = {"KeyRotationEnabled": is_enabled, "KeyId": row.arn}
    if is_enabled:
        assert row.rotation_period_days is not None
        assert row.rotation_enabled_at is not None
        answer["RotationPeriodInDays"] = row.rotation_period_days
        answer["NextRotationDate"] = _next_after(context.clock.now(), row.rotation_enabled_at, row.rotation_period_days)
    return answer


@kms.operation(access=on_key("kms:RotateKeyOnDemand"))
def rotate_key_on_demand(context: Context, request: RotateKeyOnDemandRequest) -> RotateKeyOnDemandResponse:
    """Give a key new material at once; what the older ones encrypted still opens."""
    row = _rotatable(context, request["KeyId"], "RotateKeyOnDemand")
    number = row.materials.count() + 1
    if number > MAX_ROTATIONS_ON_DEMAND + 1:
        raise LimitExceededException("The on-demand rotation limit for this key was reached.")
    KeyMaterial.objects.create(
        key=row,
        number=number,
        material_id=materials.new_material_id(),
        encrypted=materials.sealed(row.key_id, number, materials.generate(row.spec)),
        created_at=context.clock.now(),
    )
    forget_key_on_commit(row)
    return {"KeyId": row.arn}


@kms.operation(access=on_key("kms:ListKeyRotations"))
def list_key_rotations(context: Context, request: ListKeyRotationsRequest) -> ListKeyRotationsResponse:
    """When a key was rotated; asked for all material, also what it was made with."""
    row = find_row(context, request["KeyId"], allows_alias=False)
    if row.spec != SYMMETRIC:
        raise UnsupportedOperationException(f"{row.arn} cannot be rotated: its key spec is {row.spec}.")
    stored = list(row.materials.order_by("number").defer("encrypted"))
    entries = [_entry(row, material, is_current=material is stored[-1]) for material in stored]
    if request.get("IncludeKeyMaterial") != "ALL_KEY_MATERIAL":
        entries = entries[1:]
    rotations, end = page_of_items(entries, request=request, default_limit=100)
    return {"Rotations": rotations, **end}  # type: ignore[typeddict-item]


def _rotatable(context: Context, name: str, operation: str) -> Key:
    row = find_customer_row(context, name, operation=operation)
    if row.spec != SYMMETRIC:
        raise UnsupportedOperationException(f"{row.arn} cannot be rotated: its key spec is {row.spec}.")
    check_state(row.arn, row.state)
    return row


def _entry(row: Key, material: KeyMaterial, *, is_current: bool) -> RotationsListEntry:
    entry: RotationsListEntry = {
        "KeyId": row.arn,
        "KeyMaterialId": material.material_id,
        "KeyMaterialState": "CURRENT" if is_current else "NON_CURRENT",
    }
    if material.number > 1:
        entry["RotationDate"] = material.created_at
        entry["RotationType"] = "ON_DEMAND"
    return entry


def _next_after(now: datetime, enabled_at: datetime, period_days: int) -> datetime:
    period = timedelta(days=period_days)
    return enabled_at + period * ((now - enabled_at) // period + 1)
