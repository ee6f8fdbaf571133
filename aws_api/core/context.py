"""Who calls, where, and when: what every operation is told besides its parameters."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from aws_api.core.clock import SHARED_CLOCK, Clock
from aws_api.core.ids import new_request_id


class PrincipalType(StrEnum):
    """The kinds of caller that IAM knows."""

    ROOT = "Account"
    USER = "User"
    ASSUMED_ROLE = "AssumedRole"
    FEDERATED_USER = "FederatedUser"
    SERVICE = "Service"
    ANONYMOUS = "Anonymous"


@dataclass(frozen=True, kw_only=True)
class Principal:
    """A caller whose credentials were checked.

    ``user_id`` is what GetCallerIdentity calls UserId: ``AIDA...``, ``AROA...:session`` or the account id.
    ``session_policies`` are the policy documents handed to AssumeRole or GetFederationToken, as JSON text;
    ``session_tags`` and their ``transitive_tag_keys`` the session's tags. ``issuer_id`` is the unique id of the user
    who made a federated session, ``provider`` the identity provider that vouched for a web identity and
    ``issued_at_s`` when the session began, in seconds since 1970.
    """

    type: PrincipalType
    arn: str
    account_id: str
    user_id: str
    access_key_id: str = ""
    session_policies: tuple[str, ...] = ()
    session_tags: Mapping[str, str] = field(default_factory=dict)
    transitive_tag_keys: tuple[str, ...] = ()
    source_identity: str = ""
    issuer_id: str = ""
    provider: str = ""
    issued_at_s: int = 0

    @property
    def is_root(self) -> bool:
        return self.type is PrincipalType.ROOT


def root_of(account_id: str, access_key_id: str = "") -> Principal:
    """The root user of an account; authorisation lets it pass."""
    return Principal(
        type=PrincipalType.ROOT,
        arn=f"arn:aws:iam::{account_id}:root",
        account_id=account_id,
        user_id=account_id,
        access_key_id=access_key_id,
    )


def anonymous(account_id: str) -> Principal:
    """Whoever has no credentials; operations that get them are called like this."""
    return Principal(type=PrincipalType.ANONYMOUS, arn="anonymous", account_id=account_id, user_id="anonymous")


@dataclass(frozen=True, kw_only=True)
class Context:
    """One call's circumstances. Frozen: a stage that knows more makes a new one.

    ``account_id`` is whose resources the call is about: the caller's own account, or another that shares a resource.
    ``forced_ids`` carries the ``X-Simfra-Id`` and ``X-Simfra-<Member>`` headers, lower-cased member name to id
    (``""`` for ``X-Simfra-Id``). ``endpoint`` is the URL by which the caller reached the gateway
    (``http://localhost:4599``), for the URLs that answers carry. ``client_gone()``, where there is one, ends when the
    client hangs up: for operations that wait, so that they do not hand a message to nobody. ``called_via`` is the
    service principal of the service that calls another on the caller's behalf (``ssm.amazonaws.com``), ``source_arn``
    the resource for which a service calls in its own name.
    """

    account_id: str
    region: str
    principal: Principal
    request_id: str = field(default_factory=new_request_id)
    clock: Clock = SHARED_CLOCK
    source_ip: str = "127.0.0.1"
    endpoint: str = "http://localhost:4599"
    forced_ids: Mapping[str, str] = field(default_factory=dict)
    client_gone: Callable[[], Awaitable[None]] | None = None
    called_via: str = ""
    source_arn: str = ""

    def forced_id(self, member: str = "") -> str | None:
        """The id that the caller demands for what it creates: ``X-Simfra-<member>``, else ``X-Simfra-Id``."""
        return self.forced_ids.get(member.lower()) or self.forced_ids.get("")

    def as_principal(self, principal: Principal) -> "Context":
        """The same circumstances for another caller: how a service acts under a role."""
        return replace(self, principal=principal, forced_ids={})

    def in_account(self, account_id: str) -> "Context":
        """The same caller's circumstances in the account whose resource the call is about."""
        return replace(self, account_id=account_id)

    def via(self, service: str) -> "Context":
        """The same caller's circumstances when a service calls another for it; the permission stays the caller's."""
        return replace(self, called_via=f"{service}.amazonaws.com", forced_ids={})


def internal_context(account_id: str, region: str, clock: Clock = SHARED_CLOCK) -> Context:
    """The context of work that Simfra does on its own behalf for an account: workers, console."""
    return Context(account_id=account_id, region=region, principal=root_of(account_id), clock=clock)
