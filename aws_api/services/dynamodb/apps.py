from aws_api.core.service import ServiceConfig


class DynamodbConfig(ServiceConfig):
    name = "aws_api.services.dynamodb"
