"""What calls need of IAM: the action on the key's ARN, also where the request names an alias."""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.core.service import Access, AccessRule
from aws_api.services.kms.ciphertexts import Unreadable, parse
from aws_api.services.kms.identifiers import alias_arn
from aws_api.services.kms.keys import arn_of


def on_key(action: str, member: str = "KeyId") -> AccessRule:
    """The action on the key that a member names."""

    async def rule(context: Context, request: Mapping[str, Any]) -> Iterable[Access]:
        return ((action, await _resource(context, request.get(member))),)

    return rule


def on_ciphertext(action: str, key_member: str = "KeyId") -> AccessRule:
    """The action on the key that a ciphertext was made with, or that a member names."""

    async def rule(context: Context, request: Mapping[str, Any]) -> Iterable[Access]:
        return ((action, await _ciphertext_key(context, request, key_member)),)

    return rule


def on_alias(action: str, key_member: str | None = None) -> AccessRule:
    """The action on an alias and, where a member names one, on its key."""

    async def rule(context: Context, request: Mapping[str, Any]) -> Iterable[Access]:
        needed = [(action, alias_arn(context, str(request["AliasName"])))]
        if key_member is not None:
            needed.append((action, await _resource(context, request.get(key_member))))
        return needed

    return rule


async def re_encrypt_access(context: Context, request: Mapping[str, Any]) -> Iterable[Access]:
    """ReEncrypt: one permission on each of the two keys."""
    return (
        ("kms:ReEncryptFrom", await _ciphertext_key(context, request, "SourceKeyId")),
        ("kms:ReEncryptTo", await _resource(context, request.get("DestinationKeyId"))),
    )


async def _ciphertext_key(context: Context, request: Mapping[str, Any], key_member: str) -> str:
    if request.get(key_member):
        return await _resource(context, request[key_member])
    try:
        return parse(request.get("CiphertextBlob") or b"").key_arn
    except Unreadable:
        return "*"


async def _resource(context: Context, name: str | None) -> str:
    try:
        return await arn_of(context, name) if name else "*"
    except AwsError:
        # Not there: the operation says so, to whom it may be said.
        return "*"
