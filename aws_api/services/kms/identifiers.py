"""How callers name a key: its id, its ARN, an alias's name or ARN.

https://docs.aws.amazon.com/kms/latest/developerguide/find-cmk-id-arn.html
"""

import re
from dataclasses import dataclass

from aws_api.core.arns import Arn, is_arn
from aws_api.core.context import Context
from aws_api.core.errors import AccessDeniedException
from aws_api.services.kms.shapes import InvalidArnException, NotFoundException

ALIAS_PREFIX = "alias/"
#: AWS's own aliases; nobody else may make or change one.
MANAGED_PREFIX = "alias/aws/"
_KEY_ID = re.compile(r"mrk-[0-9a-f]{32}\Z|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyName:
    """A key as a request names it in the caller's account and region: by exactly one of id and alias."""

    key_id: str = ""
    alias: str = ""


def parse_key_name(context: Context, text: str) -> KeyName:
    """What a KeyId member means. Raises NotFoundException, InvalidArnException, AccessDeniedException."""
    resource = text
    if is_arn(text):
        arn = Arn.parse(text)
        if arn.service != "kms":
            raise InvalidArnException(f"Invalid arn {text}")
        if arn.region != context.region:
            raise NotFoundException(f"Invalid arn {arn.region}")
        if arn.account_id != context.account_id:
            raise AccessDeniedException(
                f"User: {context.principal.arn} is not authorized to perform this action on resource: {text} because "
                "the resource does not exist in this Region, no resource-based policies allow access, or a "
                "resource-based policy explicitly denies access"
            )
        resource = arn.resource
        if not resource.startswith(("key/", ALIAS_PREFIX)):
            raise InvalidArnException(f"Invalid arn {text}")
    if resource.startswith(ALIAS_PREFIX):
        return KeyName(alias=resource)
    key_id = resource.removeprefix("key/") if is_arn(text) else resource
    if not _KEY_ID.match(key_id):
        raise NotFoundException(f"Invalid keyId '{text}'")
    return KeyName(key_id=key_id)


def account_of_key(text: str) -> str:
    """The account in a key's or an alias's ARN; empty for a name without one."""
    parts = text.split(":", 5)
    return parts[4] if len(parts) == 6 and parts[2] == "kms" and parts[4].isdigit() else ""


def in_keys_account(context: Context, text: str | None) -> Context:
    """The context in the account whose key a text names: by an ARN its own, by a bare name the caller's."""
    return context.in_account(account_of_key(text or "") or context.principal.account_id)


def key_not_found(context: Context, key_id: str) -> NotFoundException:
    """AWS's word for a key that is not there."""
    return NotFoundException(f"Key '{key_arn(context, key_id)}' does not exist")


def alias_not_found(context: Context, alias: str) -> NotFoundException:
    """AWS's word for an alias that is not there."""
    return NotFoundException(f"Alias {alias_arn(context, alias)} is not found.")


def key_arn(context: Context, key_id: str) -> str:
    """The ARN of a key of the caller's account and region."""
    return f"arn:aws:kms:{context.region}:{context.account_id}:key/{key_id}"


def alias_arn(context: Context, alias: str) -> str:
    """The ARN of an alias of the caller's account and region."""
    return f"arn:aws:kms:{context.region}:{context.account_id}:{alias}"
