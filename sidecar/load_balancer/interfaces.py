"""The load balancer's own addresses: one in each of its subnets, all on the VPC's one network."""

import json
import subprocess
from collections.abc import Sequence
from ipaddress import IPv4Address

from sidecar.load_balancer.configuration import Interface

_TIMEOUT_S = 10


class InterfaceError(Exception):
    """The addresses could not be set; the message is what ``ip`` said."""


def find_device(wanted: IPv4Address) -> str:
    """The interface that has an address. Raises InterfaceError."""
    for device in json.loads(_run("ip", "-json", "address", "show")):
        for address in device["addr_info"]:
            if address.get("local") == str(wanted):
                return str(device["ifname"])
    raise InterfaceError(f"No interface has the address {wanted}")


def put_addresses(device: str, mac_address: str, interfaces: Sequence[Interface]) -> None:
    """Make these the addresses of the interface; the first one's gateway is the way to everywhere else."""
    lines = [f"address flush dev {device}", f"link set dev {device} address {mac_address}"]
    lines += [f"address add {interface.address} dev {device}" for interface in interfaces]
    lines.append(f"route replace default via {interfaces[0].gateway} dev {device} onlink")
    _run("ip", "-batch", "-", text="\n".join(lines) + "\n")


def _run(*command: str, text: str = "") -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    if done.returncode:
        raise InterfaceError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
