"""CreateGrant, ListGrants, ListRetirableGrants, RetireGrant, RevokeGrant.

https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
"""

from aws_api.core.context import Context
from aws_api.core.errors import ValidationException
from aws_api.core.ids import new_hex_id
from aws_api.services.kms.access import create_grant_access, on_key, retire_grant_access
from aws_api.services.kms.describe import grant_entry
from aws_api.services.kms.grants import forget_grants_on_commit, new_token
from aws_api.services.kms.key_specs import ENCRYPT_DECRYPT, GENERATE_VERIFY_MAC, KEY_AGREEMENT, SIGN_VERIFY, SYMMETRIC
from aws_api.services.kms.keys import check_state, find_row
from aws_api.services.kms.listing import page
from aws_api.services.kms.models import Grant, Key
from aws_api.services.kms.requests import end_dry_run
from aws_api.services.kms.service import kms
from aws_api.services.kms.shapes import (
    CreateGrantRequest,
    CreateGrantResponse,
    InvalidGrantIdException,
    InvalidGrantTokenException,
    LimitExceededException,
    ListGrantsRequest,
    ListGrantsResponse,
    ListRetirableGrantsRequest,
    NotFoundException,
    RetireGrantRequest,
    RevokeGrantRequest,
)

MAX_GRANTS_PER_KEY = 50_000
_KEPT = ("GranteePrincipal", "RetiringPrincipal", "GranteeServicePrincipal", "RetiringServicePrincipal", "Operations",
         "Constraints", "Name")  # fmt: skip
_ALWAYS = frozenset({"CreateGrant", "RetireGrant", "DescribeKey"})
_OPERATIONS_OF_USAGE = {
    ENCRYPT_DECRYPT: {"Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo"},
    SIGN_VERIFY: {"Sign", "Verify", "GetPublicKey"},
    GENERATE_VERIFY_MAC: {"GenerateMac", "VerifyMac"},
    KEY_AGREEMENT: {"DeriveSharedSecret", "GetPublicKey"},
}
_ONLY_SYMMETRIC = {
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
}


@kms.operation(access=create_grant_access)
def create_grant(context: Context, request: CreateGrantRequest) -> CreateGrantResponse:
    """Keep a permission to use a key. Asked again with the same name and members, answer the grant that is there."""
    row = find_row(context, request["KeyId"], lock=True)
    check_state(row.arn, row.state)
    grantee = request.get("GranteePrincipal") or request.get("GranteeServicePrincipal")
    if not grantee:
        raise ValidationException("A grant needs a GranteePrincipal.")
    _check_operations(row, request)
    document = {member: request[member] for member in _KEPT if member in request}  # type: ignore[literal-required]
    end_dry_run(request)
    if "Name" in request:
        existing = row.grants.filter(document=document).first()
        if existing is not None:
            return {"GrantToken": existing.token, "GrantId": existing.grant_id}
    if row.grants.count() >= MAX_GRANTS_PER_KEY:
        raise LimitExceededException("The key has the most grants that a key may have.")
    grant_id = new_hex_id(digits=64)
    grant = Grant.objects.create(
        key=row,
        grant_id=grant_id,
        token=new_token(row.arn, grant_id),
        grantee_principal=grantee,
        retiring_principal=request.get("RetiringPrincipal") or request.get("RetiringServicePrincipal") or "",
        document=document,
        created_at=context.clock.now(),
    )
    forget_grants_on_commit(row.key_id)
    return {"GrantToken": grant.token, "GrantId": grant.grant_id}


@kms.operation(access=on_key("kms:ListGrants"))
def list_grants(context: Context, request: ListGrantsRequest) -> ListGrantsResponse:
    """A key's grants."""
    rows = find_row(context, request["KeyId"], allows_alias=False).grants.select_related("key")
    if grant_id := request.get("GrantId"):
        rows = rows.filter(grant_id=grant_id)
        if not rows.exists():
            raise InvalidGrantIdException
    if grantee := request.get("GranteePrincipal") or request.get("GranteeServicePrincipal"):
        rows = rows.filter(grantee_principal=grantee)
    grants, end = page(rows, by="grant_id", request=request, default_limit=50)
    return {"Grants": [grant_entry(grant) for grant in grants], **end}  # type: ignore[typeddict-item]


@kms.operation
def list_retirable_grants(context: Context, request: ListRetirableGrantsRequest) -> ListGrantsResponse:
    """The grants that a principal may retire, over all keys of the account."""
    principal = request.get("RetiringPrincipal") or request.get("RetiringServicePrincipal")
    if not principal:
        raise ValidationException("RetiringPrincipal is required.")
    rows = Grant.objects.filter(
        key__account_id=context.account_id, key__region=context.region, retiring_principal=principal
    ).select_related("key")
    grants, end = page(rows, by="grant_id", request=request, default_limit=50)
    return {"Grants": [grant_entry(grant) for grant in grants], **end}  # type: ignore[typeddict-item]


@kms.operation(access=retire_grant_access)
def retire_grant(context: Context, request: RetireGrantRequest) -> None:
    """Give a grant back, named by its token or by its key and id."""
    if token := request.get("GrantToken"):
        rows = Grant.objects.select_related("key")
        grant = rows.filter(token=token, key__account_id=context.account_id, key__region=context.region).first()
        if grant is None:
            raise InvalidGrantTokenException
    elif request.get("KeyId") and request.get("GrantId"):
        grant = _grant(find_row(context, request["KeyId"], allows_alias=False), request["GrantId"])
    else:
        raise ValidationException("Either the grant token or the key ID and the grant ID are required.")
    end_dry_run(request)
    _delete(grant)


@kms.operation(access=on_key("kms:RevokeGrant"))
def revoke_grant(context: Context, request: RevokeGrantRequest) -> None:
    """Take a grant back."""
    grant = _grant(find_row(context, request["KeyId"], allows_alias=False), request["GrantId"])
    end_dry_run(request)
    _delete(grant)


def _delete(grant: Grant) -> None:
    forget_grants_on_commit(grant.key.key_id)
    grant.delete()


def _grant(row: Key, grant_id: str) -> Grant:
    grant = row.grants.filter(grant_id=grant_id).first()
    if grant is None:
        raise NotFoundException(f"Grant ID {grant_id} not found")
    return grant


def _check_operations(row: Key, request: CreateGrantRequest) -> None:
    possible = _ALWAYS | _OPERATIONS_OF_USAGE[row.usage] | (_ONLY_SYMMETRIC if row.spec == SYMMETRIC else set())
    for operation in request["Operations"]:
        if operation not in possible:
            raise ValidationException(
                f"The operation {operation} is not valid for a grant on a key of spec {row.spec} and usage {row.usage}."
            )
    if request.get("Constraints") and row.spec != SYMMETRIC and "EncryptionContext" in str(request["Constraints"]):
        raise ValidationException("Encryption context constraints are only for grants on symmetric keys.")
