"""Arithmetic of addresses: blocks, what AWS reserves of them, hardware addresses. Pure."""

import ipaddress
import secrets
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network

#: AWS keeps a subnet's first four addresses (network, router, DNS, future) and its last (broadcast).
RESERVED_FIRST = 4
RESERVED = 5
MIN_PREFIX, MAX_PREFIX = 16, 28


def parse_block(text: str) -> IPv4Network | None:
    """A block in CIDR notation, cleared of host bits as AWS does; None where it is none."""
    if "/" not in text:
        return None
    try:
        return ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        return None


def parse_block6(text: str) -> str | None:
    """An IPv6 block in CIDR notation, in its one canonical spelling; None where it is none."""
    if "/" not in text:
        return None
    try:
        return str(ipaddress.IPv6Network(text, strict=False))
    except ValueError:
        return None


def is_address(text: str) -> bool:
    """Whether a text is an IPv4 address: what is none, no row has."""
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def overlaps(block: IPv4Network, others: Iterable[str]) -> bool:
    """Whether a block shares an address with any of the others."""
    return any(block.overlaps(IPv4Network(other)) for other in others)


def is_within(block: IPv4Network, others: Iterable[str]) -> bool:
    """Whether a block lies within any one of the others."""
    return any(block.subnet_of(IPv4Network(other)) for other in others)


def address_at(block: str, index: int) -> str:
    """The address at an index of a block: 1 is the router's, 2 the DNS server's."""
    network = IPv4Network(block)
    assert 0 <= index < network.num_addresses
    return str(network.network_address + index)


def index_of(block: str, address: str) -> int | None:
    """Where in a block an address lies; None outside of what AWS lets interfaces have."""
    network = IPv4Network(block)
    try:
        index = int(ipaddress.IPv4Address(address)) - int(network.network_address)
    except ValueError:
        return None
    return index if RESERVED_FIRST <= index < network.num_addresses - 1 else None


def usable_count(block: str) -> int:
    """How many interfaces' addresses a subnet holds."""
    return IPv4Network(block).num_addresses - RESERVED


def random_free(taken: Sequence[int], first: int, last: int) -> int | None:
    """A random number from first to last that is not taken, each as likely; None where all are."""
    within = sorted(number for number in set(taken) if first <= number <= last)
    free = last - first + 1 - len(within)
    if free <= 0:
        return None
    number = first + secrets.randbelow(free)
    for occupied in within:
        if occupied > number:
            break
        number += 1
    return number


def new_mac_address() -> str:
    """A locally administered hardware address, as EC2 gives to interfaces."""
    return ":".join(["02", *(f"{byte:02x}" for byte in secrets.token_bytes(5))])
