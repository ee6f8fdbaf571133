"""What calls need of IAM: the operation on the secret's whole ARN, however the request names the secret."""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.core.service import Access
from aws_api.services.secretsmanager.names import secret_arn
from aws_api.services.secretsmanager.secrets import arn_of
from aws_api.services.secretsmanager.service import secretsmanager

#: What a secret's ARN ends with while nobody knows its random characters, as IAM policies write it.
_ANY_SUFFIX = "??????"

#: What a new secret needs besides CreateSecret, by what is asked for with it.
_ALSO_TO_CREATE = {
    "Tags": "secretsmanager:TagResource",
    "AddReplicaRegions": "secretsmanager:ReplicateSecretToRegions",
    "CrossAccountPrimaryARN": "secretsmanager:PutResourcePolicy",
}


@secretsmanager.access
async def secret_access(context: Context, action: str, request: Mapping[str, Any]) -> Iterable[Access]:
    """The action on the one secret named, on each of several, or on nothing in particular."""
    if action == "secretsmanager:CreateSecret":
        new_arn = secret_arn(context.account_id, context.region, str(request["Name"]), _ANY_SUFFIX)
        actions = [action, *(needed for member, needed in _ALSO_TO_CREATE.items() if request.get(member))]
        return tuple((each, new_arn) for each in actions)
    if action == "secretsmanager:BatchGetSecretValue":
        # Each secret's value is asked for as by GetSecretValue; here only whether there may be batches at all.
        return ((action, "*"),)
    secret_id = request.get("SecretId")
    return ((action, await _resource(context, secret_id) if secret_id else "*"),)


@secretsmanager.owner
def owner(context: Context, _action: str, request: Mapping[str, Any]) -> str:
    """Whose secret a call names: another account's is named by its ARN."""
    parts = str(request.get("SecretId") or "").split(":", 5)
    return parts[4] if len(parts) == 6 and parts[0] == "arn" and parts[4].isdigit() else context.account_id


async def _resource(context: Context, secret_id: str) -> str:
    try:
        found = await arn_of(context, secret_id)
    except AwsError:
        # Nobody's secret: the operation says what is wrong with the name.
        return secret_id
    return found or secret_arn(context.account_id, context.region, secret_id, _ANY_SUFFIX)
