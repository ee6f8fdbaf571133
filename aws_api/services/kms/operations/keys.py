"""CreateKey, DescribeKey, ListKeys, UpdateKeyDescription."""

from aws_api.core.context import Context
from aws_api.core.errors import ValidationException
from aws_api.core.ids import new_hex_id, new_uuid
from aws_api.services.kms import materials
from aws_api.services.kms.access import on_key
from aws_api.services.kms.describe import key_metadata
from aws_api.services.kms.key_specs import ENCRYPT_DECRYPT, KEY_SPECS, SYMMETRIC
from aws_api.services.kms.keys import find_customer_row, find_row, remove_deleted_keys
from aws_api.services.kms.listing import page
from aws_api.services.kms.models import Key, KeyMaterial
from aws_api.services.kms.policies import check_policy, default_policy
from aws_api.services.kms.service import kms
from aws_api.services.kms.shapes import (
    CreateKeyRequest,
    CreateKeyResponse,
    DescribeKeyRequest,
    DescribeKeyResponse,
    ListKeysRequest,
    ListKeysResponse,
    UnsupportedOperationException,
    UpdateKeyDescriptionRequest,
)
from aws_api.services.kms.tagging import check_tags


@kms.operation
def create_key(context: Context, request: CreateKeyRequest) -> CreateKeyResponse:
    """Make a key with fresh material.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html
    """
    spec, usage = _spec_and_usage(request)
    policy = request.get("Policy")
    if policy is not None:
        check_policy(context, policy, may_lock_out=bool(request.get("BypassPolicyLockoutSafetyCheck")))
    remove_deleted_keys(context)
    is_multi_region = bool(request.get("MultiRegion"))
    now = context.clock.now()
    row = Key.objects.create(
        account_id=context.account_id,
        region=context.region,
        key_id=context.forced_id("KeyId") or (f"mrk-{new_hex_id(digits=32)}" if is_multi_region else new_uuid()),
        spec=spec,
        usage=usage,
        is_multi_region=is_multi_region,
        description=request.get("Description", ""),
        policy=policy or default_policy(context.account_id),
        tags=check_tags({}, request.get("Tags") or ()),
        created_at=now,
    )
    KeyMaterial.objects.create(
        key=row,
        number=1,
        material_id=materials.new_material_id(),
        encrypted=materials.sealed(row.key_id, 1, materials.generate(spec)),
        created_at=now,
    )
    return {"KeyMetadata": key_metadata(row)}


@kms.operation(access=on_key("kms:DescribeKey"))
def describe_key(context: Context, request: DescribeKeyRequest) -> DescribeKeyResponse:
    """A key's metadata. Asked for an alias of AWS's, it makes the key first, as AWS does."""
    return {"KeyMetadata": key_metadata(find_row(context, request["KeyId"]))}


@kms.operation
def list_keys(context: Context, request: ListKeysRequest) -> ListKeysResponse:
    """The account's keys, those of AWS's own included."""
    remove_deleted_keys(context)
    rows = Key.objects.filter(account_id=context.account_id, region=context.region)
    keys, end = page(rows, by="key_id", request=request, default_limit=100)
    return {"Keys": [{"KeyId": row.key_id, "KeyArn": row.arn} for row in keys], **end}  # type: ignore[typeddict-item]


@kms.operation(access=on_key("kms:UpdateKeyDescription"))
def update_key_description(context: Context, request: UpdateKeyDescriptionRequest) -> None:
    """Replace a key's description."""
    row = find_customer_row(context, request["KeyId"], operation="UpdateKeyDescription")
    row.description = request["Description"]
    row.save(update_fields=["description"])


def _spec_and_usage(request: CreateKeyRequest) -> tuple[str, str]:
    if "KeySpec" in request and "CustomerMasterKeySpec" in request:
        raise ValidationException(
            "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is "
            "deprecated."
        )
    if request.get("Origin", "AWS_KMS") != "AWS_KMS" or request.get("CustomKeyStoreId") or request.get("XksKeyId"):
        raise UnsupportedOperationException("Simfra emulates keys of origin AWS_KMS only.")
    spec: str = request.get("KeySpec") or request.get("CustomerMasterKeySpec") or SYMMETRIC
    if spec not in KEY_SPECS:
        raise UnsupportedOperationException(f"Simfra does not emulate keys of spec {spec}.")
    usage: str | None = request.get("KeyUsage")
    if usage is None:
        if spec != SYMMETRIC:
            raise ValidationException(
                "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
            )
        usage = ENCRYPT_DECRYPT
    if usage not in KEY_SPECS[spec].usages:
        raise ValidationException(f"KeyUsage {usage} is not compatible with KeySpec {spec}")
    return spec, usage
