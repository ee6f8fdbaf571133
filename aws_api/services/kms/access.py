"""What calls need of IAM: the action on the key's ARN, also where the request names an alias.

https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.core.service import Access, AccessRule
from aws_api.services.kms.ciphertexts import Unreadable, parse
from aws_api.services.kms.identifiers import ALIAS_PREFIX, alias_arn
from aws_api.services.kms.keys import arn_of


def on_key(action: str, member: str = "KeyId") -> AccessRule:
    """The action on the key that a member names."""

    async def rule(context: Context, request: Mapping[str, Any]) -> Iterable[Access]:
        return ((action, await _resource(context, request.get(member)), _keys(request, member)),)

    return rule


def on_ciphertext(action: str, member: str = "KeyId") -> AccessRule:
    """The action on the key that a ciphertext was made with, or that a member names."""

    async def rule(context: Context, request: Mapping[str, Any]) -> Iterable[Access]:
        return ((action, await _ciphertext_key(context, request, member), _keys(request, member)),)

    return rule


def on_alias(action: str, key_member: str | None = None) -> AccessRule:
    """The action on an alias and, where a member names one, on its key."""

    async def rule(context: Context, request: Mapping[str, Any]) -> Iterable[Access]:
        needed: list[Access] = [(action, alias_arn(context, str(request["AliasName"])))]
        if key_member is not None:
            needed.append((action, await _resource(context, request.get(key_member))))
        return needed

    return rule


async def re_encrypt_access(context: Context, request: Mapping[str, Any]) -> Iterable[Access]:
    """ReEncrypt: one permission on each of the two keys, each with its own encryption context."""
    source, destination = "SourceKeyId", "DestinationKeyId"
    return (
        (
            "kms:ReEncryptFrom",
            await _ciphertext_key(context, request, source),
            _keys(request, source, "SourceEncryptionContext"),
        ),
        (
            "kms:ReEncryptTo",
            await _resource(context, request.get(destination)),
            _keys(request, destination, "DestinationEncryptionContext"),
        ),
    )


async def _ciphertext_key(context: Context, request: Mapping[str, Any], member: str) -> str:
    if request.get(member):
        return await _resource(context, request[member])
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


def _keys(
    request: Mapping[str, Any], key_member: str, context_member: str = "EncryptionContext"
) -> Mapping[str, str | Sequence[str]]:
    """The condition keys of KMS's own."""
    keys: dict[str, str | Sequence[str]] = {}
    if encryption_context := request.get(context_member):
        keys |= {f"kms:EncryptionContext:{name}": value for name, value in encryption_context.items()}
        keys["kms:EncryptionContextKeys"] = list(encryption_context)
    alias = str(request.get(key_member) or "").rpartition(":")[2]
    if alias.startswith(ALIAS_PREFIX):
        keys["kms:RequestAlias"] = alias
    return keys
