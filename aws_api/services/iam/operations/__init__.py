"""The operations of IAM, one module per family.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html
"""

from aws_api.services.iam.operations import (
    absent_kinds,
    access_keys,
    account,
    account_details,
    attachments,
    boundaries,
    groups,
    inline_policies,
    instance_profiles,
    login_profiles,
    managed_policies,
    oidc_providers,
    policy_versions,
    roles,
    service_linked_roles,
    simulation,
    users,
)

__all__ = [
    "absent_kinds",
    "access_keys",
    "account",
    "account_details",
    "attachments",
    "boundaries",
    "groups",
    "inline_policies",
    "instance_profiles",
    "login_profiles",
    "managed_policies",
    "oidc_providers",
    "policy_versions",
    "roles",
    "service_linked_roles",
    "simulation",
    "users",
]
