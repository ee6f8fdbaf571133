"""The Parameter Store's part in authorisation: parameters' tags."""

from collections.abc import Mapping

from aws_api.core.authorization import register_resource_tags
from aws_api.core.context import Context
from aws_api.services.ssm.store import find_tags


async def _tags(_context: Context, arn: str) -> Mapping[str, str]:
    return await find_tags(arn)


register_resource_tags("ssm", _tags)
