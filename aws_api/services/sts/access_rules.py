"""What STS's operations need: most of them nothing, AssumeRole what the role's trust policy and IAM say.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aws_api.core.context import Context
from aws_api.core.service import Access
from aws_api.services.sts.service import sts

#: Everybody may ask who he is; the others are checked where the caller is known, or need no permission on AWS.
_FREE = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken", "sts:AssumeRoleWithWebIdentity"})


@sts.access
def needed(context: Context, action: str, request: Mapping[str, Any]) -> Iterable[Access]:
    """The permissions of a call."""
    if action in _FREE:
        return ()
    if action == "sts:AssumeRole":
        return assume_role_access(request)
    if action == "sts:GetFederationToken":
        return ((action, f"arn:aws:sts::{context.account_id}:federated-user/{request['Name']}"),)
    return ((action, "*"),)


def assume_role_access(request: Mapping[str, Any]) -> Iterable[Access]:
    """AssumeRole, and what it says of the session besides: tags and a source identity are permissions of their own."""
    role_arn = request["RoleArn"]
    if not is_role_arn(role_arn):
        return  # the operation says so
    keys: dict[str, str | Sequence[str]] = {"sts:RoleSessionName": request["RoleSessionName"]}
    if external_id := request.get("ExternalId"):
        keys["sts:ExternalId"] = external_id
    if transitive := request.get("TransitiveTagKeys"):
        keys["sts:TransitiveTagKeys"] = transitive
    if source_identity := request.get("SourceIdentity"):
        keys["sts:SourceIdentity"] = source_identity
    for tag in request.get("Tags") or ():
        keys[f"aws:RequestTag/{tag['Key']}"] = tag["Value"]
    if tags := request.get("Tags"):
        keys["aws:TagKeys"] = [tag["Key"] for tag in tags]
    yield ("sts:AssumeRole", role_arn, keys)
    if request.get("Tags"):
        yield ("sts:TagSession", role_arn, keys)
    if source_identity:
        yield ("sts:SetSourceIdentity", role_arn, keys)


def is_role_arn(text: str) -> bool:
    """Whether a text is the ARN of some role."""
    parts = text.split(":", 5)
    return len(parts) == 6 and parts[0] == "arn" and parts[2] == "iam" and parts[5].startswith("role/")
