"""Where a VPC gateway stands."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a gateway stands: its two interfaces, and Simfra behind the uplink.

    ``emulator_port`` is what tasks dial, ``emulator`` where that is forwarded to.
    """

    vpc_interface: str
    uplink_interface: str
    uplink_subnet: IPv4Network
    uplink_address: IPv4Address
    emulator: tuple[IPv4Address, int]
    emulator_port: int
    control_port: int
    filter_port: int
