"""Secrets Manager's part in authorisation: secrets' policies and tags."""

from collections.abc import Mapping

from aws_api.core.authorization import register_resource_policies, register_resource_tags
from aws_api.core.context import Context
from aws_api.services.secretsmanager import store
from aws_api.services.secretsmanager.secrets import policy_of


async def _policy(_context: Context, arn: str) -> str | None:
    return await policy_of(arn)


async def _tags(_context: Context, arn: str) -> Mapping[str, str]:
    return await store.find_tags(arn)


register_resource_policies("secretsmanager", _policy)
register_resource_tags("secretsmanager", _tags)
