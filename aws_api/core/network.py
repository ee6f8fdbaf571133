"""The port through which a service puts containers on a VPC's network; the ec2 service implements it.

An attachment says all that a container's network namespace needs. The backing address is where Docker thinks the
container is; nobody but the reconcilers ever sees it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from aws_api.core.context import Context


@dataclass(frozen=True, kw_only=True)
class NetworkAttachment:
    """An elastic network interface and its place in the VPC. Addresses are dotted quads.

    ``network_kind`` and ``network_key`` name the reconciled network (see AwaitResource); ``backing_address`` is None
    until that network is made. ``prefix_length`` is the subnet's, ``gateway_address`` its ``.1``. With
    ``filter_token`` the namespace proves to the VPC's gateway whose packet filter it is to be given. What DHCP tells
    is ``name_servers``, as a rule the VPC's own, and ``search_domains``. ``namespace`` is a running container at the
    backing address whose namespace waits to be joined, where one was made ahead.
    """

    network_interface_id: str
    mac_address: str
    private_address: str
    prefix_length: int
    gateway_address: str
    dns_address: str
    private_dns_name: str
    public_address: str | None
    vpc_id: str
    vpc_cidr: str
    subnet_id: str
    subnet_arn: str
    subnet_cidr: str
    availability_zone: str
    security_group_ids: tuple[str, ...]
    network_kind: str
    network_key: str
    network_name: str
    backing_address: str | None
    filter_token: str = field(repr=False)
    name_servers: tuple[str, ...]
    search_domains: tuple[str, ...]
    namespace: str | None = None


class NetworkProvider(Protocol):
    """Makes and removes interfaces. Works inside the caller's transaction."""

    def create(
        self,
        context: Context,
        *,
        subnet_ids: Sequence[str],
        security_group_ids: Sequence[str],
        description: str,
        assign_public_ip: bool,
        requester_id: str,
        in_spare_namespace: bool = False,
    ) -> NetworkAttachment:
        """Create an interface in one of the subnets (the one with most free addresses).

        ``in_spare_namespace``: its container can join a namespace that was made ahead, and takes one if there is one.
        No security groups means the VPC's default one. Raises AwsError InvalidSubnetID.NotFound,
        InvalidGroup.NotFound, InsufficientFreeAddressesInSubnet ..., worded as EC2 words them.
        """

    def describe(self, account_id: str, region: str, network_interface_id: str) -> NetworkAttachment | None:
        """The attachment as it is now, or None where it was deleted."""

    def delete(self, account_id: str, region: str, network_interface_id: str) -> None:
        """Delete the interface and free its addresses. Deleting twice is harmless."""

    def set_security_groups(
        self, context: Context, network_interface_id: str, security_group_ids: Sequence[str]
    ) -> None:
        """Make these the groups of an interface. Raises AwsError InvalidGroup.NotFound ..., as ``create`` does."""

    def default_subnet_ids(self, context: Context) -> list[str]:
        """The default VPC's subnets; the VPC is made where the account and region lack it."""


_provider: NetworkProvider | None = None


def register_network_provider(provider: NetworkProvider) -> None:
    """Set the provider; called when the ec2 service's app is ready."""
    global _provider  # noqa: PLW0603
    _provider = provider


def network_provider() -> NetworkProvider:
    """The registered provider."""
    assert _provider is not None, "no service provides networks"
    return _provider
