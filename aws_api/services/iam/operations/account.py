"""The account as a whole: its alias and its summary."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from aws_api.core.context import Context
from aws_api.core.models import Account
from aws_api.services.iam import shapes
from aws_api.services.iam.identities import identities
from aws_api.services.iam.models import IdentityKind, InstanceProfile, ManagedPolicy, OidcProvider, PolicyVersion
from aws_api.services.iam.service import iam


@iam.operation
def get_account_summary(context: Context, request: Mapping[str, Any]) -> shapes.GetAccountSummaryResponse:
    """How much there is, and how much there may be."""
    account_id = context.account_id
    policies = ManagedPolicy.objects.filter(account_id=account_id)
    return {
        "SummaryMap": {
            "Users": identities(context, IdentityKind.USER).count(),
            "UsersQuota": 5000,
            "Groups": identities(context, IdentityKind.GROUP).count(),
            "GroupsQuota": 300,
            "Roles": identities(context, IdentityKind.ROLE).count(),
            "RolesQuota": 1000,
            "Policies": policies.count(),
            "PoliciesQuota": 1500,
            "PolicyVersionsInUse": PolicyVersion.objects.filter(policy__in=policies).count(),
            "PolicyVersionsInUseQuota": 10000,
            "InstanceProfiles": InstanceProfile.objects.filter(account_id=account_id).count(),
            "InstanceProfilesQuota": 1000,
            "AccessKeysPerUserQuota": 2,
            "GroupsPerUserQuota": 10,
            "AttachedPoliciesPerUserQuota": 10,
            "AttachedPoliciesPerGroupQuota": 10,
            "AttachedPoliciesPerRoleQuota": 10,
            "VersionsPerPolicyQuota": 5,
            "PolicySizeQuota": 6144,
            "UserPolicySizeQuota": 2048,
            "GroupPolicySizeQuota": 5120,
            "RolePolicySizeQuota": 10240,
            "AssumeRolePolicySizeQuota": 2048,
            "AccountAccessKeysPresent": 1,
            "AccountMFAEnabled": 0,
            "AccountPasswordPresent": 0,
            "AccountSigningCertificatesPresent": 0,
            "MFADevices": 0,
            "MFADevicesInUse": 0,
            "Providers": OidcProvider.objects.filter(account_id=account_id).count(),
            "ServerCertificates": 0,
            "ServerCertificatesQuota": 20,
            "SigningCertificatesPerUserQuota": 2,
            "GlobalEndpointTokenVersion": 1,
        }
    }


@iam.operation
def create_account_alias(context: Context, request: shapes.CreateAccountAliasRequest) -> None:
    """Give the account its one alias; a second one replaces the first."""
    alias = request["AccountAlias"]
    if Account.objects.filter(alias=alias).exclude(account_id=context.account_id).exists():
        raise shapes.EntityAlreadyExistsException(f"The account alias {alias} already exists.")
    Account.objects.update_or_create(
        account_id=context.account_id,
        defaults={"alias": alias},
        create_defaults={"alias": alias, **_root_keys(context.account_id)},
    )


@iam.operation
def list_account_aliases(
    context: Context, request: shapes.ListAccountAliasesRequest
) -> shapes.ListAccountAliasesResponse:
    """The account's alias, if it has one."""
    aliases = Account.objects.filter(account_id=context.account_id).exclude(alias="").values_list("alias", flat=True)
    return {"AccountAliases": list(aliases), "IsTruncated": False}


@iam.operation
def delete_account_alias(context: Context, request: shapes.DeleteAccountAliasRequest) -> None:
    """Take the alias away."""
    alias = request["AccountAlias"]
    if not Account.objects.filter(account_id=context.account_id, alias=alias).update(alias=""):
        raise shapes.NoSuchEntityException(f"The account alias {alias} cannot be found.")


def _root_keys(account_id: str) -> dict[str, str]:
    """The keys of a row that is made for its alias: the default account's are in the settings."""
    if account_id != settings.SIMFRA_DEFAULT_ACCOUNT_ID:
        return {}
    return {
        "root_access_key_id": settings.SIMFRA_ROOT_ACCESS_KEY_ID,
        "root_secret_access_key": settings.SIMFRA_ROOT_SECRET_ACCESS_KEY,
    }
