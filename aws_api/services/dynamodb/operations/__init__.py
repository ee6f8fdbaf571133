"""DynamoDB's operations, by resource family."""

from aws_api.services.dynamodb.operations import (
    backups,
    batches,
    items,
    policies,
    reads,
    settings,
    statements,
    tables,
    transactions,
)

__all__ = ["backups", "batches", "items", "policies", "reads", "settings", "statements", "tables", "transactions"]
