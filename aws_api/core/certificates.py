"""The port through which services that end TLS get certificates with their private keys; the acm service implements it.

No operation gives a key away to another service, as on AWS: what may be asked for is what the caller's account has.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class CertificateMaterial:
    """A certificate, the chain above it, and its private key, as PEM text. ``names`` are the domains it is for."""

    arn: str
    names: tuple[str, ...]
    certificate: str
    chain: str
    private_key: str = field(repr=False)


class CertificateStore(Protocol):
    """Has certificates."""

    def find(self, account_id: str, region: str, arn: str) -> CertificateMaterial | None:
        """An issued certificate of the account and region, or None."""


#: Says which resources' ARNs use a certificate, by its ARN.
CertificateUsers = Callable[[str], Iterable[str]]

_stores: list[CertificateStore] = []
_users: list[CertificateUsers] = []


def register_certificate_store(store: CertificateStore) -> None:
    """Add a store; called by a service's ``ports`` module."""
    _stores.append(store)


def find_certificate(account_id: str, region: str, arn: str) -> CertificateMaterial | None:
    """The certificate of an ARN, from whichever store has it."""
    return next((found for store in _stores if (found := store.find(account_id, region, arn)) is not None), None)


def register_certificate_users(users: CertificateUsers) -> CertificateUsers:
    """Add who knows resources that use certificates. Usable as a decorator."""
    _users.append(users)
    return users


def users_of_certificate(arn: str) -> list[str]:
    """The ARNs of everything that uses a certificate, sorted."""
    return sorted({user for users in _users for user in users(arn)})
