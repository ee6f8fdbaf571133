"""The service's place in the registry."""

from aws_api.core.service import AwsService

dynamodb = AwsService("dynamodb", description="DynamoDB: tables of items, by key and by index.")
