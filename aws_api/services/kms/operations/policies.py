"""PutKeyPolicy, GetKeyPolicy, ListKeyPolicies. https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html"""

from aws_api.core.context import Context
from aws_api.services.kms.access import on_key
from aws_api.services.kms.keys import find_customer_row, find_row, forget_key_on_commit
from aws_api.services.kms.policies import POLICY_NAME, check_policy
from aws_api.services.kms.service import kms
from aws_api.services.kms.shapes import (
    GetKeyPolicyRequest,
    GetKeyPolicyResponse,
    ListKeyPoliciesRequest,
    ListKeyPoliciesResponse,
    NotFoundException,
    PutKeyPolicyRequest,
)


@kms.operation(access=on_key("kms:PutKeyPolicy"))
def put_key_policy(context: Context, request: PutKeyPolicyRequest) -> None:
    """Replace a key's policy."""
    _check_name(request.get("PolicyName"))
    row = find_customer_row(context, request["KeyId"], operation="PutKeyPolicy")
    check_policy(context, request["Policy"], may_lock_out=bool(request.get("BypassPolicyLockoutSafetyCheck")))
    row.policy = request["Policy"]
    row.save(update_fields=["policy"])
    forget_key_on_commit(row)


@kms.operation(access=on_key("kms:GetKeyPolicy"))
def get_key_policy(context: Context, request: GetKeyPolicyRequest) -> GetKeyPolicyResponse:
    """A key's policy, as it was put."""
    _check_name(request.get("PolicyName"))
    row = find_row(context, request["KeyId"], allows_alias=False)
    return {"Policy": row.policy, "PolicyName": POLICY_NAME}


@kms.operation(access=on_key("kms:ListKeyPolicies"))
def list_key_policies(context: Context, request: ListKeyPoliciesRequest) -> ListKeyPoliciesResponse:
    """The one name that key policies have."""
    find_row(context, request["KeyId"], allows_alias=False)
    return {"PolicyNames": [POLICY_NAME], "Truncated": False}


def _check_name(name: str | None) -> None:
    if name not in (None, POLICY_NAME):
        raise NotFoundException("No such policy exists")
