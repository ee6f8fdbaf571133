"""UDP: what comes to a port is sent on to a target by the kernel, and answers find their way back."""

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address
from math import gcd

from sidecar.load_balancer.configuration import Datagrams

_TIMEOUT_S = 10
#: Places in a map; more would only make weights finer.
MAX_PLACES = 4096


class DatagramError(Exception):
    """The rules could not be set; the message is what ``nft`` said."""


def rules(
    addresses: Sequence[IPv4Address], ports: Iterable[Datagrams], targets: Mapping[str, Sequence[tuple[str, int]]]
) -> str:
    """The nftables of the load balancer's ports, with the targets of groups that get something. Pure."""
    lines = []
    own = ", ".join(map(str, addresses))
    for datagrams in ports:
        places = _places(datagrams.groups, targets)
        if not places:
            lines.append(f"    ip daddr {{ {own} }} udp dport {datagrams.port} drop")
            continue
        entries = ", ".join(f"{place} : {address} . {port}" for place, (address, port) in enumerate(places))
        choice = f"numgen random mod {len(places)} map {{ {entries} }}"
        lines.append(f"    ip daddr {{ {own} }} udp dport {datagrams.port} dnat ip addr . port to {choice}")
    return "\n".join(
        [
            "table ip simfra_datagrams",
            "delete table ip simfra_datagrams",
            "table ip simfra_datagrams {",
            "  chain prerouting {",
            "    type nat hook prerouting priority -100;",
            *lines,
            "  }",
            "  chain postrouting {",
            "    type nat hook postrouting priority 100;",
            # Answers come back here only if they are sent here.
            "    meta l4proto udp ct status dnat masquerade",
            "  }",
            "}",
            "",
        ]
    )


def put_rules(text: str) -> None:
    """Put the rules into force, as one. Raises DatagramError."""
    done = subprocess.run(
        ["nft", "-f", "-"], input=text, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    if done.returncode:
        raise DatagramError(done.stderr.strip())


def _places(weights: Mapping[str, int], targets: Mapping[str, Sequence[tuple[str, int]]]) -> list[tuple[str, int]]:
    """The targets, each as often as its share is large."""
    used = {key: weight for key, weight in weights.items() if weight and targets.get(key)}
    if not used:
        return []
    # A group's share is divided among its targets.
    shares = {
        key: weight * _product(len(targets[other]) for other in used if other != key) for key, weight in used.items()
    }
    divisor = gcd(*shares.values())
    places: list[tuple[str, int]] = []
    for key, share in shares.items():
        places += [target for target in targets[key] for _ in range(share // divisor)]
    return places[:: max(1, -(-len(places) // MAX_PLACES))]


def _product(numbers: Iterable[int]) -> int:
    result = 1
    for number in numbers:
        result *= number
    return result
