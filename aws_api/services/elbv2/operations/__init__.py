"""The operations of Elastic Load Balancing, one module per resource."""

from aws_api.services.elbv2.operations import (
    account,
    attributes,
    certificates,
    listeners,
    load_balancers,
    rules,
    tags,
    target_groups,
    targets,
)

__all__ = [
    "account",
    "attributes",
    "certificates",
    "listeners",
    "load_balancers",
    "rules",
    "tags",
    "target_groups",
    "targets",
]
