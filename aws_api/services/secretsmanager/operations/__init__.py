"""The operations of Secrets Manager, a module per family."""

from aws_api.services.secretsmanager.operations import (
    deletion,
    lists,
    passwords,
    policies,
    replication,
    rotation,
    secrets,
    tags,
    values,
    versions,
)

__all__ = [
    "deletion",
    "lists",
    "passwords",
    "policies",
    "replication",
    "rotation",
    "secrets",
    "tags",
    "values",
    "versions",
]
