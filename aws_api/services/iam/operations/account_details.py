"""All of an account's IAM at once, and the report on its users' credentials.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
"""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from aws_api.core.context import Context
from aws_api.core.models import Account
from aws_api.services.iam import shapes
from aws_api.services.iam.describe import (
    describe_group,
    describe_instance_profile,
    describe_policy,
    describe_role,
    describe_user,
    describe_version,
)
from aws_api.services.iam.documents import encoded
from aws_api.services.iam.identities import identities
from aws_api.services.iam.listing import list_items
from aws_api.services.iam.models import AccessKey, Attachment, Identity, IdentityKind, LoginProfile, ManagedPolicy
from aws_api.services.iam.policies import AwsPolicy, aws_policies
from aws_api.services.iam.service import iam

_LISTS = {
    IdentityKind.USER: "UserDetailList",
    IdentityKind.GROUP: "GroupDetailList",
    IdentityKind.ROLE: "RoleDetailList",
}
#: The filter's names of the kinds; policies have two of their own.
_FILTERS = {IdentityKind.USER: "User", IdentityKind.GROUP: "Group", IdentityKind.ROLE: "Role"}
_REPORT_COLUMNS = (
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
    "access_key_1_active",
    "access_key_1_last_rotated",
    "access_key_1_last_used_date",
    "access_key_1_last_used_region",
    "access_key_1_last_used_service",
    "access_key_2_active",
    "access_key_2_last_rotated",
    "access_key_2_last_used_date",
    "access_key_2_last_used_region",
    "access_key_2_last_used_service",
    "cert_1_active",
    "cert_1_last_rotated",
    "cert_2_active",
    "cert_2_last_rotated",
)
_NONE = "N/A"


@iam.operation
def get_account_authorization_details(
    context: Context, request: shapes.GetAccountAuthorizationDetailsRequest
) -> shapes.GetAccountAuthorizationDetailsResponse:
    """Users, groups, roles and policies with everything that hangs on them; AWS's policies where they are attached."""
    wanted = set(request.get("Filter") or (*_FILTERS.values(), "LocalManagedPolicy", "AWSManagedPolicy"))
    found: list[Identity | ManagedPolicy | AwsPolicy] = []
    for kind, name in _FILTERS.items():
        if name in wanted:
            found += identities(context, kind).order_by("name")
    if "LocalManagedPolicy" in wanted:
        found += ManagedPolicy.objects.filter(account_id=context.account_id).order_by("name")
    if "AWSManagedPolicy" in wanted:
        attached = set(
            Attachment.objects.filter(identity__account_id=context.account_id).values_list("policy_arn", flat=True)
        )
        found += [policy for policy in aws_policies().values() if policy.arn in attached]
    page = list_items(request, "found", found, lambda item: item)
    response: dict[str, Any] = {"IsTruncated": page["IsTruncated"], "Policies": []}
    response |= {member: [] for member in _LISTS.values()}
    if "Marker" in page:
        response["Marker"] = page["Marker"]
    for item in page["found"]:
        if isinstance(item, Identity):
            response[_LISTS[IdentityKind(item.kind)]].append(_identity(item))
        else:
            response["Policies"].append(_policy(item, context.account_id))
    return response  # type: ignore[return-value]


@iam.operation
def generate_credential_report(context: Context, request: Mapping[str, Any]) -> shapes.GenerateCredentialReportResponse:
    """The report is made when it is read, so it is complete at once."""
    return {"State": "COMPLETE"}


@iam.operation
def get_credential_report(context: Context, request: Mapping[str, Any]) -> shapes.GetCredentialReportResponse:
    """One line for root and for each user, as comma-separated values."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _REPORT_COLUMNS, restval=_NONE, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_report_lines(context))
    return {
        "Content": text.getvalue().rstrip("\n").encode(),
        "ReportFormat": "text/csv",
        "GeneratedTime": context.clock.now(),
    }


def _identity(identity: Identity) -> Mapping[str, Any]:
    kind = IdentityKind(identity.kind)
    inline = [
        {"PolicyName": policy.name, "PolicyDocument": encoded(policy.document)}
        for policy in identity.inline_policies.order_by("name")
    ]
    attached = [
        {"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn}
        for arn in identity.attachments.order_by("policy_arn").values_list("policy_arn", flat=True)
    ]
    detail = {f"{kind.capitalize()}PolicyList": inline, "AttachedManagedPolicies": attached}
    if kind is IdentityKind.USER:
        groups = list(identity.groups.order_by("name").values_list("name", flat=True))
        return {**describe_user(identity, in_full=True), **detail, "GroupList": groups}
    if kind is IdentityKind.GROUP:
        return {**describe_group(identity), **detail}
    profiles = [describe_instance_profile(profile) for profile in identity.instance_profiles.order_by("name")]
    described = describe_role(identity, in_full=True)
    # The detail's shape has neither.
    described = {name: value for name, value in described.items() if name not in ("Description", "MaxSessionDuration")}
    return {**described, **detail, "InstanceProfileList": profiles}


def _policy(policy: ManagedPolicy | AwsPolicy, account_id: str) -> Mapping[str, Any]:
    versions: Iterable[Any] = [policy] if isinstance(policy, AwsPolicy) else policy.versions.order_by("-number")
    described = describe_policy(policy, account_id)
    if isinstance(policy, ManagedPolicy) and policy.description:
        described["Description"] = policy.description
    return {
        **described,
        "PolicyVersionList": [describe_version(version, with_document=True) for version in versions],
    }


def _report_lines(context: Context) -> Iterable[Mapping[str, str]]:
    account = Account.objects.filter(account_id=context.account_id).first()
    never = {"mfa_active": "false", "cert_1_active": "false", "cert_2_active": "false"}
    yield {
        **never,
        "user": "<root_account>",
        "arn": f"arn:aws:iam::{context.account_id}:root",
        "user_creation_time": _time(account.created_at) if account else _NONE,
        "password_enabled": "not_supported",
        "password_last_changed": "not_supported",
        "password_next_rotation": "not_supported",
        "access_key_1_active": "true",
        "access_key_2_active": "false",
    }
    logins = {login.user_id: login for login in LoginProfile.objects.filter(user__account_id=context.account_id)}
    for user in identities(context, IdentityKind.USER).order_by("name").prefetch_related("access_keys"):
        login = logins.get(user.pk)
        yield {
            **never,
            "user": user.name,
            "arn": user.arn,
            "user_creation_time": _time(user.created_at),
            "password_enabled": "true" if login else "false",
            "password_last_used": "no_information" if login else _NONE,
            "password_last_changed": _time(login.created_at) if login else _NONE,
            **_key_columns(1, None),
            **_key_columns(2, None),
            **{
                column: text
                for place, key in enumerate(sorted(user.access_keys.all(), key=lambda key: key.created_at), start=1)
                for column, text in _key_columns(place, key).items()
            },
        }


def _key_columns(place: int, key: AccessKey | None) -> Mapping[str, str]:
    prefix = f"access_key_{place}"
    if key is None:
        return {f"{prefix}_active": "false"}
    return {
        f"{prefix}_active": "true" if key.status == "Active" else "false",
        f"{prefix}_last_rotated": _time(key.created_at),
        f"{prefix}_last_used_date": _time(key.last_used_at) if key.last_used_at else _NONE,
        f"{prefix}_last_used_region": key.last_used_region or _NONE,
        f"{prefix}_last_used_service": key.last_used_service or _NONE,
    }


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S+00:00")
