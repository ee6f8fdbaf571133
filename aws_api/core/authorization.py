"""Ports that IAM and STS plug into: whose key is this, and may they do that?"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aws_api.core.context import Context, Principal
from aws_api.core.execution import run_on_loop
from aws_api.core.service import Access, Operation, get_service

#: The seal of the encoded messages that EC2's denials carry and DecodeAuthorizationMessage opens.
AUTHORIZATION_MESSAGE = "authorization message"


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

    async def authorize_access(self, context: Context, access: Access) -> None:
        """The same for one permission that is not an operation's own."""


#: A resource's policy document by its ARN, or None where it has none.
ResourcePolicyFinder = Callable[[Context, str], Awaitable[str | None]]
#: What a resource's owner granted besides its policy, by its ARN: policy documents by the ARN of whom they mean.
ResourceGrantsFinder = Callable[[Context, str], Awaitable[Mapping[str, Sequence[str]]]]
#: A resource's tags by its ARN.
ResourceTagsFinder = Callable[[Context, str], Awaitable[Mapping[str, str]]]


@dataclass(frozen=True, kw_only=True)
class ResourcePolicies:
    """Where the policies of a service's resources are found.

    ``decides``: they must agree also within their account, as KMS's key policies do. ``find_grants``: where the
    service has grants, as KMS has them; they allow as the policy does.
    """

    find: ResourcePolicyFinder
    decides: bool = False
    find_grants: ResourceGrantsFinder | None = None


_credential_stores: list[CredentialStore] = []
_authorizers: list[Authorizer] = []
_resource_policies: dict[str, ResourcePolicies] = {}
_resource_tags: dict[str, ResourceTagsFinder] = {}


def register_credential_store(store: CredentialStore) -> None:
    """Add a store of access keys; called when a service's app is ready."""
    _credential_stores.append(store)


def register_authorizer(authorizer: Authorizer) -> None:
    """Add a judge; all of them must allow."""
    _authorizers.append(authorizer)


def register_resource_policies(
    service: str,
    find: ResourcePolicyFinder,
    *,
    decides: bool = False,
    find_grants: ResourceGrantsFinder | None = None,
) -> None:
    """Say where the policies of resources are whose ARNs name ``service``; called by its ``ports`` module."""
    _resource_policies[service] = ResourcePolicies(find=find, decides=decides, find_grants=find_grants)


def register_resource_tags(service: str, find: ResourceTagsFinder) -> None:
    """Say where the tags of resources are whose ARNs name ``service``."""
    _resource_tags[service] = find


def resource_policies_of(service: str) -> ResourcePolicies | None:
    """Where a service's resource policies are; None where it has none."""
    return _resource_policies.get(service)


def resource_tags_of(service: str) -> ResourceTagsFinder | None:
    """Where the tags of a service's resources are; None where it does not say."""
    return _resource_tags.get(service)


async def find_credential(access_key_id: str, session_token: str | None = None) -> Credential | None:
    """The credential of an access key, from whichever store knows it."""
    for store in _credential_stores:
        if credential := await store.find(access_key_id, session_token):
            return credential
    return None


def in_owners_account(context: Context, operation: Operation, request: Mapping[str, Any]) -> Context:
    """The context of a call in the account whose resource it names; to be authorised before anything is done in it."""
    service = get_service(operation.service)
    assert service is not None, "an operation belongs to a service"
    owner = service.owner_of(operation, context, request)
    return context if owner == context.account_id else context.in_account(owner)


def may_everything(context: Context) -> bool:
    """Whether the caller is root, and the call about its own account."""
    return context.principal.is_root and context.principal.account_id == context.account_id


async def authorize(context: Context, operation: Operation, request: Mapping[str, Any]) -> None:
    """Raise AccessDeniedException where the principal may not call the operation."""
    if may_everything(context):
        return
    for authorizer in _authorizers:
        await authorizer.authorize(context, operation, request)


async def authorize_access(context: Context, access: Access) -> None:
    """Raise AccessDeniedException where the principal lacks one permission (iam:PassRole, ecr's pull rights).

    Root needs none in its own account.
    """
    if _is_owner(context, access):
        return
    for authorizer in _authorizers:
        await authorizer.authorize_access(context, access)


def require_access(context: Context, access: Access) -> None:
    """The same from plain code."""
    if not _is_owner(context, access):
        run_on_loop(authorize_access(context, access))


def _is_owner(context: Context, access: Access) -> bool:
    """Whether root asks about something of its own account."""
    parts = access[1].split(":", 5)
    owner = parts[4] if len(parts) == 6 else ""
    return context.principal.is_root and owner in ("", context.principal.account_id)
