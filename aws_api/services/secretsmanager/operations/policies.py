"""PutResourcePolicy, GetResourcePolicy, ListResourcePolicies, DeleteResourcePolicy, ValidateResourcePolicy."""

from aws_api.core.context import Context
from aws_api.services.secretsmanager.policies import check_not_public, check_policy
from aws_api.services.secretsmanager.secrets import find_secret, forget_policy_on_commit
from aws_api.services.secretsmanager.service import secretsmanager
from aws_api.services.secretsmanager.shapes import (
    DeleteResourcePolicyRequest,
    DeleteResourcePolicyResponse,
    GetResourcePolicyRequest,
    GetResourcePolicyResponse,
    InvalidNextTokenException,
    ListResourcePoliciesRequest,
    ListResourcePoliciesResponse,
    MalformedPolicyDocumentException,
    PublicPolicyException,
    PutResourcePolicyRequest,
    PutResourcePolicyResponse,
    ValidateResourcePolicyRequest,
    ValidateResourcePolicyResponse,
)


@secretsmanager.operation
def put_resource_policy(context: Context, request: PutResourcePolicyRequest) -> PutResourcePolicyResponse:
    """Write who else may use a secret."""
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
    if secret.resource_policy:
        answer["ResourcePolicy"] = secret.resource_policy
    return answer


@secretsmanager.operation
def list_resource_policies(context: Context, request: ListResourcePoliciesRequest) -> ListResourcePoliciesResponse:
    """The name of a secret's policy; nothing where none was written. Others than the default one are AWS's to make."""
    secret = find_secret(context, request["SecretId"], allows_deleted=True)
    if request.get("NextToken"):
        # The one page has no next.
        raise InvalidNextTokenException
    return {"ResourcePolicies": [{"PolicyName": "default"}] if secret.resource_policy else []}


@secretsmanager.operation
def delete_resource_policy(context: Context, request: DeleteResourcePolicyRequest) -> DeleteResourcePolicyResponse:
    """Nobody else may use a secret any more."""
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
