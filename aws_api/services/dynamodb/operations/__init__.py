"""DynamoDB's operations, by resource family."""

from aws_api.services.dynamodb.operations import batches, items, reads, settings, statements, tables, transactions

__all__ = ["batches", "items", "reads", "settings", "statements", "tables", "transactions"]
