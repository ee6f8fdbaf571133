"""Rows of IAM as AWS's shapes."""

from typing import Any

from aws_api.core.tags import tags_to_list
from aws_api.services.iam.documents import encoded
from aws_api.services.iam.models import AccessKey, Attachment, Identity, InstanceProfile, ManagedPolicy, PolicyVersion
from aws_api.services.iam.policies import AwsPolicy


def describe_user(user: Identity, *, in_full: bool = False) -> Any:
    """User. Lists leave out tags and the boundary."""
    shape = _identity(user, "User")
    return {**shape, **_details(user)} if in_full else shape


def describe_group(group: Identity) -> Any:
    return _identity(group, "Group")


def describe_role(role: Identity, *, in_full: bool = False) -> Any:
    """Role. Lists leave out tags, the boundary and the last use."""
    shape = _identity(role, "Role")
    shape["AssumeRolePolicyDocument"] = encoded(role.trust_policy)
    shape["MaxSessionDuration"] = role.max_session_duration_s
    if "Description" in role.document:
        shape["Description"] = role.document["Description"]
    return {**shape, **_details(role), "RoleLastUsed": {}} if in_full else shape


def describe_access_key(key: AccessKey) -> Any:
    """AccessKeyMetadata: the secret is shown once, when it is made."""
    return {
        "UserName": key.user.name,
        "AccessKeyId": key.access_key_id,
        "Status": key.status,
        "CreateDate": key.created_at,
    }


def describe_policy(policy: ManagedPolicy | AwsPolicy, account_id: str, *, in_full: bool = False) -> Any:
    """Policy, with the account's attachments counted. Lists leave out description and tags."""
    shape: dict[str, Any] = {
        "PolicyName": policy.name,
        "PolicyId": policy.unique_id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": f"v{_default_version(policy)}",
        "AttachmentCount": Attachment.objects.filter(policy_arn=policy.arn, identity__account_id=account_id).count(),
        "PermissionsBoundaryUsageCount": Identity.objects.filter(
            account_id=account_id, document__PermissionsBoundary=policy.arn
        ).count(),
        "IsAttachable": True,
        "CreateDate": policy.created_at,
        "UpdateDate": policy.updated_at,
    }
    if in_full:
        shape["Tags"] = tags_to_list(policy.tags) if isinstance(policy, ManagedPolicy) else []
        if isinstance(policy, ManagedPolicy) and policy.description:
            shape["Description"] = policy.description
    return shape


def describe_version(version: PolicyVersion | AwsPolicy, *, with_document: bool = False) -> Any:
    """PolicyVersion. Lists leave out the document."""
    if isinstance(version, AwsPolicy):
        number, is_default, created_at = version.version, True, version.updated_at
    else:
        number, is_default, created_at = version.number, version.is_default, version.created_at
    shape = {"VersionId": f"v{number}", "IsDefaultVersion": is_default, "CreateDate": created_at}
    return {**shape, "Document": encoded(version.document)} if with_document else shape


def describe_instance_profile(profile: InstanceProfile, *, in_full: bool = False) -> Any:
    """InstanceProfile with its role. Lists leave out tags."""
    shape: dict[str, Any] = {
        "Path": profile.path,
        "InstanceProfileName": profile.name,
        "InstanceProfileId": profile.unique_id,
        "Arn": profile.arn,
        "CreateDate": profile.created_at,
        "Roles": [describe_role(profile.role)] if profile.role else [],
    }
    if in_full:
        shape["Tags"] = tags_to_list(profile.tags)
    return shape


def _identity(identity: Identity, kind: str) -> dict[str, Any]:
    return {
        "Path": identity.path,
        f"{kind}Name": identity.name,
        f"{kind}Id": identity.unique_id,
        "Arn": identity.arn,
        "CreateDate": identity.created_at,
    }


def _details(identity: Identity) -> dict[str, Any]:
    details: dict[str, Any] = {}
    if identity.tags:
        details["Tags"] = tags_to_list(identity.tags)
    if boundary := identity.document.get("PermissionsBoundary"):
        details["PermissionsBoundary"] = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": boundary}
    return details


def _default_version(policy: ManagedPolicy | AwsPolicy) -> int:
    if isinstance(policy, AwsPolicy):
        return policy.version
    return policy.versions.get(is_default=True).number
