from aws_api.core.service import ServiceConfig


class SecretsManagerConfig(ServiceConfig):
    name = "aws_api.services.secretsmanager"
