"""The tables of DynamoDB's tests, whose changes streams tell."""

from tests.services.dynamodb.conftest import dynamodb, make_table

__all__ = ["dynamodb", "make_table"]
