from aws_api.core.service import ServiceConfig


class DynamodbstreamsConfig(ServiceConfig):
    name = "aws_api.services.dynamodbstreams"
