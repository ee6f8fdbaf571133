"""What grants allow, as policies of their grantees, and the tokens that name them.

https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
"""

import base64
import binascii
import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import orjson
from django.db import transaction

from aws_api.core.caching import MetadataCache
from aws_api.services.kms import store

#: The operations that have no encryption context, so that constraints say nothing of them.
_WITHOUT_CONTEXT = frozenset(
    {
        "CreateGrant",
        "DeriveSharedSecret",
        "DescribeKey",
        "GenerateMac",
        "GetPublicKey",
        "RetireGrant",
        "Sign",
        "Verify",
        "VerifyMac",
    }
)
_TOKEN_RANDOM_BYTES = 48

#: Policy documents by the principal that they allow something.
Grants = Mapping[str, Sequence[str]]


def new_token(key_arn: str, grant_id: str) -> str:
    """A token that names its key and grant, and that nobody guesses."""
    named = f"{key_arn} {grant_id} ".encode()
    return base64.urlsafe_b64encode(named + secrets.token_bytes(_TOKEN_RANDOM_BYTES)).decode().rstrip("=")


def named_by_token(token: str) -> tuple[str, str] | None:
    """The key's ARN and the grant's id that a token names; None where it is none of ours."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        key_arn, grant_id, _ = raw.split(b" ", 2)
        return key_arn.decode("ascii"), grant_id.decode("ascii")
    except (binascii.Error, ValueError):
        return None


async def grants_of(key_id: str) -> Grants:
    """What a key's grants allow to whom."""
    return await _grants.get(key_id) or {}


def forget_grants_on_commit(key_id: str) -> None:
    """Let every process read a key's grants anew, once the change is committed."""
    transaction.on_commit(partial(_grants.invalidate, key_id))


def grantee_policy(grant_id: str, operations: Sequence[str], constraints: Mapping[str, Any]) -> str:
    """What a grant allows its grantee: its operations, those with an encryption context under its constraints."""
    free = [name for name in operations if name in _WITHOUT_CONTEXT - {"CreateGrant", "RetireGrant"}]
    constrained = [name for name in operations if name not in _WITHOUT_CONTEXT]
    statements = [
        _allow(grant_id, free, {}),
        _allow(grant_id, constrained, _context_condition(constraints)),
    ]
    if "CreateGrant" in operations:
        # A grant that was made by means of another gives no more than that one does.
        narrower = {"ForAllValues:StringEquals": {"kms:GrantOperations": list(operations)}}
        statements.append(_allow(grant_id, ["CreateGrant"], narrower))
    if "RetireGrant" in operations:
        statements.append(_retire(grant_id))
    return _document(statements)


def retiring_policy(grant_id: str) -> str:
    """What a grant allows its retiring principal: to retire it."""
    return _document([_retire(grant_id)])


def _context_condition(constraints: Mapping[str, Any]) -> Mapping[str, Any]:
    exact = constraints.get("EncryptionContextEquals")
    pairs = exact or constraints.get("EncryptionContextSubset") or {}
    condition: dict[str, Any] = {}
    if pairs:
        condition["StringEquals"] = {f"kms:EncryptionContext:{name}": value for name, value in pairs.items()}
    if exact:
        condition["ForAllValues:StringEquals"] = {"kms:EncryptionContextKeys": list(exact)}
    return condition


def _retire(grant_id: str) -> Mapping[str, Any]:
    return _allow(grant_id, ["RetireGrant"], {"StringEquals": {"kms:GrantId": grant_id}})


def _allow(grant_id: str, operations: Sequence[str], condition: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "Sid": f"grant {grant_id}",
        "Effect": "Allow",
        "Action": [f"kms:{operation}" for operation in operations],
        "Resource": "*",
        "Condition": condition,
    }


def _document(statements: Sequence[Mapping[str, Any]]) -> str:
    # Without variables: what an encryption context says is meant as it is written.
    named = [statement for statement in statements if statement["Action"]]
    return orjson.dumps({"Version": "2008-10-17", "Statement": named}).decode()


async def _load(key_id: str) -> Grants:
    found: dict[str, list[str]] = defaultdict(list)
    for row in await store.grant_rows(key_id):
        document = row["document"]
        policy = grantee_policy(row["grant_id"], document["Operations"], document.get("Constraints") or {})
        found[row["grantee_principal"]].append(policy)
        if row["retiring_principal"]:
            found[row["retiring_principal"]].append(retiring_policy(row["grant_id"]))
    return {principal: tuple(documents) for principal, documents in found.items()}


_grants: MetadataCache[str, Grants] = MetadataCache("kms.grants", _load)
