"""What calls need of IAM: the action on the key's ARN, also where the request names an alias.

https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.core.service import Access, AccessRule
from aws_api.services.kms.ciphertexts import Unreadable, parse
from aws_api.services.kms.grants import named_by_token
from aws_api.services.kms.identifiers import ALIAS_PREFIX, account_of_key, alias_arn, in_keys_account
from aws_api.services.kms.keys import arn_of
from aws_api.services.kms.service import kms

#: What may be done with another account's key, where its policy or a grant allows it. Each of AWS's pages says it.
_SHARED = frozenset(
    f"kms:{operation}"
    for operation in (
        "CreateGrant",
        "Decrypt",
        "DeriveSharedSecret",
        "DescribeKey",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateMac",
        "GetKeyRotationStatus",
        "GetPublicKey",
        "ListGrants",
        "ReEncrypt",
        "RetireGrant",
        "RevokeGrant",
        "Sign",
        "Verify",
        "VerifyMac",
    )
)


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


async def create_grant_access(context: Context, request: Mapping[str, Any]) -> Iterable[Access]:
    """CreateGrant: on its key, with what the grant would give."""
    constraints = request.get("Constraints") or {}
    keys = {
        **_keys(request, "KeyId"),
        "kms:GrantOperations": list(request["Operations"]),
        "kms:GrantConstraintType": [name for name, pairs in constraints.items() if pairs],
        "kms:GrantIsForAWSResource": "true" if context.called_via else "false",
    }
    for member in ("GranteePrincipal", "RetiringPrincipal"):
        if named := request.get(member):
            keys[f"kms:{member}"] = named
    return (("kms:CreateGrant", await _resource(context, request["KeyId"]), keys),)


async def retire_grant_access(context: Context, request: Mapping[str, Any]) -> Iterable[Access]:
    """RetireGrant: on the key and the grant that are named, or that the token names."""
    named = named_by_token(request.get("GrantToken") or "")
    if named is None:
        named = await _resource(context, request.get("KeyId")), str(request.get("GrantId") or "")
    return (("kms:RetireGrant", named[0], {"kms:GrantId": named[1]}),)


async def re_encrypt_access(context: Context, request: Mapping[str, Any]) -> Iterable[Access]:
    """ReEncrypt: one permission on each of the two keys, each with its own encryption context."""
    source, destination = "SourceKeyId", "DestinationKeyId"
    return (
        (
            "kms:ReEncryptFrom",
            await _ciphertext_key(in_keys_account(context, ciphertext_key(request, source)), request, source),
            _keys(request, source, "SourceEncryptionContext"),
        ),
        (
            "kms:ReEncryptTo",
            await _resource(in_keys_account(context, request.get(destination)), request.get(destination)),
            _keys(request, destination, "DestinationEncryptionContext"),
        ),
    )


@kms.owner
def owner(context: Context, action: str, request: Mapping[str, Any]) -> str:
    """Whose key a call names, where it may be another account's; of ReEncrypt's two keys the one that is."""
    if action not in _SHARED:
        return context.account_id
    if action == "kms:RetireGrant" and (named := named_by_token(request.get("GrantToken") or "")):
        return account_of_key(named[0]) or context.account_id
    key_names = (
        [ciphertext_key(request, "SourceKeyId"), request.get("DestinationKeyId")]
        if action == "kms:ReEncrypt"
        else [ciphertext_key(request, "KeyId")]
    )
    accounts = [account for name in key_names if name and (account := account_of_key(name))]
    return next((account for account in accounts if account != context.account_id), context.account_id)


def ciphertext_key(request: Mapping[str, Any], member: str) -> str | None:
    """The key that a request names or, where it names none, the one that its ciphertext was made with."""
    if name := request.get(member):
        return str(name)
    try:
        return parse(request.get("CiphertextBlob") or b"").key_arn
    except Unreadable:
        return None


async def _ciphertext_key(context: Context, request: Mapping[str, Any], member: str) -> str:
    if name := request.get(member):
        return await _resource(context, name)
    return ciphertext_key(request, member) or "*"


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
