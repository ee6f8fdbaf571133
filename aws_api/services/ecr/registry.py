"""This instance's registry, by the settings."""

from django.conf import settings

from aws_api.services.ecr.names import Registry


def registry() -> Registry:
    """What a name means on this instance."""
    return Registry(
        port=settings.SIMFRA_ENDPOINT_PORT,
        account_id=settings.SIMFRA_DEFAULT_ACCOUNT_ID,
        region=settings.SIMFRA_DEFAULT_REGION,
    )
