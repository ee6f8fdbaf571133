"""PutResourcePolicy, GetResourcePolicy, ListResourcePolicies, DeleteResourcePolicy, ValidateResourcePolicy."""

from aws_api.core.context import Context
from aws_api.services.secretsmanager.cross_account import primary_arn_of
from aws_api.services.secretsmanager.models import Secret
from aws_api.services.secretsmanager.policies import (
    DEFAULT_POLICY,
    REPLICATION_POLICY,
    check_not_public,
    check_policy,
    replication_policy,
)
from aws_api.services.secretsmanager.secrets import find_secret, forget_policy_on_commit
from aws_api.services.secretsmanager.service import secretsmanager
from aws_api.services.secretsmanager.shapes import (
    DeleteResourcePolicyRequest,
    DeleteResourcePolicyResponse,
    GetResourcePolicyRequest,
    GetResourcePolicyResponse,
    InvalidNextTokenException,
    InvalidParameterException,
    ListResourcePoliciesRequest,
    ListResourcePoliciesResponse,
    MalformedPolicyDocumentException,
    PublicPolicyException,
    PutResourcePolicyRequest,
    PutResourcePolicyResponse,
    ResourceNotFoundException,
    ValidateResourcePolicyRequest,
    ValidateResourcePolicyResponse,
)


@secretsmanager.operation
def put_resource_policy(context: Context, request: PutResourcePolicyRequest) -> PutResourcePolicyResponse:
    """Write who else may use a secret."""
    _require_default(request.get("PolicyName"))
    secret = find_secret(context, request["SecretId"], lock=True)
    statements = check_policy(request["ResourcePolicy"])
    if request.get("BlockPublicPolicy"):
        check_not_public(statements)
    secret.resource_policy = request["ResourcePolicy"]
    secret.save(update_fields=["resource_policy"])
    forget_policy_on_commit(secret)
    return {"ARN": secret.arn, "Name": secret.name}


@secretsmanager.operation
def get_resource_policy(context: Context, request: GetResourcePolicyRequest) -> GetResourcePolicyResponse:
    """Who else may use a secret; nothing where that was never written."""
    secret = find_secret(context, request["SecretId"], allows_deleted=True)
    answer: GetResourcePolicyResponse = {"ARN": secret.arn, "Name": secret.name}
    name = request.get("PolicyName", DEFAULT_POLICY)
    policy = _policies(secret).get(name)
    if policy:
        answer["ResourcePolicy"] = policy
    elif name != DEFAULT_POLICY:
        raise ResourceNotFoundException("Secrets Manager can't find the specified resource policy.")
    return answer


@secretsmanager.operation
def list_resource_policies(context: Context, request: ListResourcePoliciesRequest) -> ListResourcePoliciesResponse:
    """The names of a secret's policies: the one that was written, and the one that AWS attaches to a replica."""
    secret = find_secret(context, request["SecretId"], allows_deleted=True)
    if request.get("NextToken"):
        # The one page has no next.
        raise InvalidNextTokenException
    return {"ResourcePolicies": [{"PolicyName": name} for name in _policies(secret)]}


@secretsmanager.operation
def delete_resource_policy(context: Context, request: DeleteResourcePolicyRequest) -> DeleteResourcePolicyResponse:
    """Nobody else may use a secret any more."""
    _require_default(request.get("PolicyName"))
    secret = find_secret(context, request["SecretId"], lock=True, allows_deleted=True)
    secret.resource_policy = ""
    secret.save(update_fields=["resource_policy"])
    forget_policy_on_commit(secret)
    return {"ARN": secret.arn, "Name": secret.name}


@secretsmanager.operation
def validate_resource_policy(
    context: Context, request: ValidateResourcePolicyRequest
) -> ValidateResourcePolicyResponse:
    """What would be wrong with a policy."""
    if secret_id := request.get("SecretId"):
        find_secret(context, secret_id)
    try:
        check_not_public(check_policy(request["ResourcePolicy"]))
    except (MalformedPolicyDocumentException, PublicPolicyException) as error:
        name = "JSON Syntax" if isinstance(error, MalformedPolicyDocumentException) else "Public Policy"
        return {
            "PolicyValidationPassed": False,
            "ValidationErrors": [{"CheckName": name, "ErrorMessage": error.message}],
        }
    return {"PolicyValidationPassed": True, "ValidationErrors": []}


def _policies(secret: Secret) -> dict[str, str]:
    """A secret's policies by name."""
    policies = {DEFAULT_POLICY: secret.resource_policy} if secret.resource_policy else {}
    if primary_arn := primary_arn_of(secret):
        policies[REPLICATION_POLICY] = replication_policy(primary_arn)
    return policies


def _require_default(name: str | None) -> None:
    if name not in (None, DEFAULT_POLICY):
        raise InvalidParameterException(f"You can only attach or delete the {DEFAULT_POLICY} policy.")
