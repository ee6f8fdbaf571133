"""Who is meant by a Principal element, and how directly: AWS limits what is granted to a role, not to a session.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
"""

from dataclasses import dataclass
from enum import IntEnum


class Grant(IntEnum):
    """How a Principal element means a caller; the greater, the more directly."""

    NONE = 0
    #: The caller's account: it may then allow its own users and roles.
    ACCOUNT = 1
    #: The role whose session the caller is: boundary and session policy still limit it.
    ROLE = 2
    #: The caller itself, or everybody.
    CALLER = 3


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The caller as policies see it.

    ``arn`` is a user's, session's or federated user's own; ``role_arn`` the session's role; ``unique_id`` the user's
    or role's; ``service`` a service principal (``ecs-tasks.amazonaws.com``), ``provider`` the identity provider of a
    web identity. A root user has its account's root ARN.
    """

    arn: str
    account_id: str
    role_arn: str = ""
    unique_id: str = ""
    service: str = ""
    provider: str = ""

    @property
    def root_arn(self) -> str:
        return f"arn:aws:iam::{self.account_id}:root"


@dataclass(frozen=True)
class Principals:
    """A Principal or NotPrincipal element."""

    everybody: bool = False
    aws: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    federated: frozenset[str] = frozenset()

    def means(self, caller: Caller) -> Grant:
        """How the element means the caller."""
        if self.everybody:
            return Grant.CALLER
        if caller.service:
            return Grant.CALLER if caller.service in self.services else Grant.NONE
        if caller.provider:
            return Grant.CALLER if caller.provider in self.federated else Grant.NONE
        if not self.aws:
            return Grant.NONE
        if "*" in self.aws or caller.arn in self.aws:
            return Grant.CALLER
        if caller.role_arn and caller.role_arn in self.aws:
            return Grant.ROLE
        if caller.unique_id and caller.unique_id in self.aws:
            return Grant.ROLE if caller.role_arn else Grant.CALLER
        if caller.account_id in self.aws or caller.root_arn in self.aws:
            return Grant.ACCOUNT
        return Grant.NONE

    def excepts(self, caller: Caller) -> bool:
        """Whether a Deny with this as its NotPrincipal spares the caller: its account, role and session are all named.

        AWS: a user's or role's ARN without its account's would leave the account denied, and the user with it.
        """
        if self.everybody or "*" in self.aws:
            return True
        if caller.service or caller.provider:
            return self.means(caller) is Grant.CALLER
        if caller.account_id not in self.aws and caller.root_arn not in self.aws:
            return False
        return all(name in self.aws for name in (caller.arn, caller.role_arn) if name)
