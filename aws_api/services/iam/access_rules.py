"""What IAM's operations need: the action on the user, group, role, policy or profile that the request names.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aws_api.core.authorization import register_resource_tags
from aws_api.core.context import Context, PrincipalType
from aws_api.core.database import fetch_row
from aws_api.core.service import Access
from aws_api.services.iam.service import iam

#: Which member names the resource, the first that is there: AttachRolePolicy is about the role, not the policy.
_NAMED_BY = (
    ("InstanceProfileName", "instance-profile"),
    ("GroupName", "group"),
    ("RoleName", "role"),
    ("UserName", "user"),
    ("PolicyName", "policy"),
)
_ARN_MEMBERS = ("PolicyArn", "OpenIDConnectProviderArn", "PolicySourceArn", "Arn")
#: Made with a path that the request brings; everything else is there already.
_CREATED_BY = {
    "iam:CreateUser": "user",
    "iam:CreateGroup": "group",
    "iam:CreateRole": "role",
    "iam:CreatePolicy": "policy",
    "iam:CreateInstanceProfile": "instance-profile",
}
_LISTED = {
    "iam:ListUsers": "user/",
    "iam:ListGroups": "group/",
    "iam:ListRoles": "role/",
    "iam:ListInstanceProfiles": "instance-profile/",
}
#: Without a user's name these are about the caller.
_ABOUT_CALLER = frozenset(
    {
        "iam:ChangePassword",
        "iam:CreateAccessKey",
        "iam:CreateLoginProfile",
        "iam:DeleteAccessKey",
        "iam:DeleteLoginProfile",
        "iam:GetLoginProfile",
        "iam:GetUser",
        "iam:ListAccessKeys",
        "iam:ListMFADevices",
        "iam:ListSSHPublicKeys",
        "iam:ListServiceSpecificCredentials",
        "iam:ListSigningCertificates",
        "iam:UpdateAccessKey",
    }
)
_PATHS = {
    "instance-profile": "SELECT path, name FROM iam_instanceprofile WHERE account_id = $1 AND lower(name) = lower($2)",
    **{
        kind: f"SELECT path, name FROM iam_identity WHERE account_id = $1 AND kind = '{kind}' "
        f"AND lower(name) = lower($2)"
        for kind in ("user", "group", "role")
    },
}
_TAGS = {
    "policy": "SELECT tags FROM iam_managedpolicy WHERE account_id = $1 AND lower(name) = lower($2)",
    "instance-profile": "SELECT tags FROM iam_instanceprofile WHERE account_id = $1 AND lower(name) = lower($2)",
    **{
        kind: f"SELECT tags FROM iam_identity WHERE account_id = $1 AND kind = '{kind}' AND lower(name) = lower($2)"
        for kind in ("user", "role")
    },
}


@iam.access
async def needed(context: Context, action: str, request: Mapping[str, Any]) -> Iterable[Access]:
    """The permissions of a call."""
    keys = _keys(request)
    needed: list[Access] = [(action, await _resource(context, action, request), keys)]
    if action == "iam:AddRoleToInstanceProfile":
        role = await _arn(context, "role", request["RoleName"])
        needed.append(("iam:PassRole", role, {"iam:PassedToService": "ec2.amazonaws.com"}))
    return needed


def _keys(request: Mapping[str, Any]) -> Mapping[str, str | Sequence[str]]:
    keys = {}
    if policy_arn := request.get("PolicyArn"):
        keys["iam:PolicyARN"] = policy_arn
    if boundary := request.get("PermissionsBoundary"):
        keys["iam:PermissionsBoundary"] = boundary
    if service := request.get("AWSServiceName"):
        keys["iam:AWSServiceName"] = service
    return keys


async def _resource(context: Context, action: str, request: Mapping[str, Any]) -> str:
    prefix = f"arn:aws:iam::{context.account_id}:"
    if created := _CREATED_BY.get(action):
        name = request[{kind: member for member, kind in _NAMED_BY}[created]]
        return f"{prefix}{created}{request.get('Path') or '/'}{name}"
    if listed := _LISTED.get(action):
        return f"{prefix}{listed}"
    if action == "iam:CreateServiceLinkedRole":
        return f"{prefix}role/aws-service-role/{request['AWSServiceName']}/*"
    if action == "iam:CreateOpenIDConnectProvider":
        return f"{prefix}oidc-provider/{request['Url'].partition('://')[2]}"
    for member, kind in _NAMED_BY:
        if member in request and kind in _PATHS:
            return await _arn(context, kind, request[member])
    for member in _ARN_MEMBERS:
        if member in request:
            return str(request[member])
    if action in _ABOUT_CALLER and context.principal.type is PrincipalType.USER:
        return context.principal.arn
    return "*"


async def _arn(context: Context, kind: str, name: str) -> str:
    """The ARN of what bears a name; with the path / where nothing does, as the operation will say."""
    row = await fetch_row(_PATHS[kind], context.account_id, name)
    path, name = (row["path"], row["name"]) if row else ("/", name)
    return f"arn:aws:iam::{context.account_id}:{kind}{path}{name}"


async def _tags(_context: Context, arn: str) -> Mapping[str, str]:
    """The tags of a user, role, policy or instance profile."""
    _, _, _, _, account_id, resource = arn.split(":", 5)
    sql = _TAGS.get(resource.partition("/")[0])
    row = await fetch_row(sql, account_id, resource.rpartition("/")[2]) if sql else None
    return row["tags"] if row else {}


register_resource_tags("iam", _tags)
