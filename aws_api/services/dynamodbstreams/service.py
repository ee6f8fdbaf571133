"""The service's place in the registry."""

from aws_api.core.service import AwsService

dynamodbstreams = AwsService("dynamodbstreams", description="DynamoDB Streams", signing_name="dynamodb")
