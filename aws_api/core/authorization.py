"""Ports that IAM and STS plug into: whose key is this, and may they do that?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from aws_api.core.context import Context, Principal
from aws_api.core.service import Operation


@dataclass(frozen=True, kw_only=True)
class Credential:
    """An access key that may sign: its secret and the caller it stands for."""

    secret_access_key: str
    principal: Principal


class CredentialStore(Protocol):
    """Finds the caller of an access key. Stores are asked in turn; the first that knows the key answers."""

    async def find(self, access_key_id: str, session_token: str | None) -> Credential | None:
        """The credential, or None where the key is not this store's.

        Raises AwsError (ExpiredToken, InvalidClientTokenId) for a key that is this store's and does not hold.
        """


class Authorizer(Protocol):
    """Decides whether a principal may call an operation."""

    async def authorize(self, context: Context, operation: Operation, request: Mapping[str, Any]) -> None:
        """Return where allowed. Raises AccessDeniedException, worded as AWS words it, where not."""


_credential_stores: list[CredentialStore] = []
_authorizers: list[Authorizer] = []


def register_credential_store(store: CredentialStore) -> None:
    """Add a store of access keys; called when a service's app is ready."""
    _credential_stores.append(store)


def register_authorizer(authorizer: Authorizer) -> None:
    """Add a judge; all of them must allow."""
    _authorizers.append(authorizer)


async def find_credential(access_key_id: str, session_token: str | None = None) -> Credential | None:
    """The credential of an access key, from whichever store knows it."""
    for store in _credential_stores:
        if credential := await store.find(access_key_id, session_token):
            return credential
    return None


async def authorize(context: Context, operation: Operation, request: Mapping[str, Any]) -> None:
    """Raise AccessDeniedException where the principal may not call the operation. Root may everything."""
    if context.principal.is_root:
        return
    for authorizer in _authorizers:
        await authorizer.authorize(context, operation, request)
