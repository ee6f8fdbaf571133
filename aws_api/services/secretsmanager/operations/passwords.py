"""GetRandomPassword."""

from aws_api.core.context import Context
from aws_api.services.secretsmanager.passwords import random_password
from aws_api.services.secretsmanager.service import secretsmanager
from aws_api.services.secretsmanager.shapes import GetRandomPasswordRequest, GetRandomPasswordResponse


@secretsmanager.operation
async def get_random_password(context: Context, request: GetRandomPasswordRequest) -> GetRandomPasswordResponse:
    """A random password as asked for."""
    return {"RandomPassword": random_password(request)}
