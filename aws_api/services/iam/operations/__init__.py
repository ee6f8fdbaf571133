"""The operations of IAM, one module per family.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html
"""

from aws_api.services.iam.operations import (
    access_keys,
    account,
    attachments,
    boundaries,
    groups,
    inline_policies,
    instance_profiles,
    managed_policies,
    policy_versions,
    roles,
    service_linked_roles,
    users,
)

__all__ = [
    "access_keys",
    "account",
    "attachments",
    "boundaries",
    "groups",
    "inline_policies",
    "instance_profiles",
    "managed_policies",
    "policy_versions",
    "roles",
    "service_linked_roles",
    "users",
]
