"""KMS's part in authorisation: keys' policies, which decide also within their account, their grants and tags."""

from collections.abc import Mapping, Sequence

from aws_api.core.authorization import register_resource_policies, register_resource_tags
from aws_api.core.context import Context
from aws_api.services.kms import store
from aws_api.services.kms.grants import grants_of
from aws_api.services.kms.keys import policy_of


async def _policy(_context: Context, arn: str) -> str | None:
    return await policy_of(_key_id(arn))


async def _grants(_context: Context, arn: str) -> Mapping[str, Sequence[str]]:
    return await grants_of(_key_id(arn))


async def _tags(_context: Context, arn: str) -> Mapping[str, str]:
    return await store.tags_of(_key_id(arn))


def _key_id(arn: str) -> str:
    return arn.rpartition(":key/")[2]


register_resource_policies("kms", _policy, decides=True, find_grants=_grants)
register_resource_tags("kms", _tags)
