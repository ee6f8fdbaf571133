"""Security groups in force: gives every task's namespace its packet filter, and keeps it there.

A namespace's own process (pause.sh) calls the filter port and says ``<interface> <token>``. From then on it takes
commands of nftables, one line each, and answers what nftables prints. The first line is the whole filter; ``READY`` is
sent once that is in force. Later only what changed is sent, and now and then it is asked whether the filter is still
there. Calling from within the VPC, a namespace needs no open port of its own.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Address

from sidecar.configuration import Interface, VpcConfiguration

TABLE = "security"
_HELLO_TIMEOUT_S = 10.0
_ANSWER_TIMEOUT_S = 10.0
#: How long an interface that is not known yet may wait: its task was just asked for.
_UNKNOWN_TIMEOUT_S = 60.0
#: The other end takes a longer silence for our end (SILENCE_S in pause.sh).
_LOOK_EVERY_S = 5.0
_RETRY_S = 1.0
#: How long who changes something waits for it to be true everywhere.
_IN_FORCE_WITHIN_S = 2.0
_MAX_CALLS_PER_ADDRESS = 4
_MAX_ANSWER_LINES = 500
#: nftables remembers every line; a new call begins with a new process.
_MAX_COMMANDS = 2000


@dataclass(frozen=True, kw_only=True)
class PacketFilter:
    """A namespace's filter: the rules of both directions, and the addresses of the groups that they name."""

    ingress: tuple[str, ...]
    egress: tuple[str, ...]
    sets: Mapping[str, frozenset[IPv4Address]] = field(default_factory=dict)

    @cached_property
    def revision(self) -> str:
        """What tells it from any other; the namespace keeps it beside the filter."""
        sets = (f"{name} {sorted(members)}" for name, members in sorted(self.sets.items()))
        described = "\n".join([*self.ingress, "", *self.egress, "", *sets])
        return hashlib.sha256(described.encode()).hexdigest()[:16]

    def whole(self) -> str:
        """The command that puts all of it into force at once, whatever was there."""
        chains = "".join(
            f"chain allowed_{name} {{ }}; "
            f"chain {name} {{ type filter hook {hook} priority 0; policy drop; jump allowed_{name}; }}; "
            for name, hook in (("ingress", "input"), ("egress", "output"))
        )
        nothing = PacketFilter(ingress=(), egress=())
        return (
            f"table inet {TABLE}; delete table inet {TABLE}; table inet {TABLE} {{ chain revision {{ }}; {chains}}}; "
            f"{self.change_from(nothing)}"
        )

    def change_from(self, before: "PacketFilter") -> str:
        """The command from one filter to this: what stays is not touched, as each removal costs the kernel a wait."""
        commands = [f"delete chain inet {TABLE} revision"]
        for name, members in sorted(self.sets.items()):
            if name not in before.sets:
                commands.append(f"add set inet {TABLE} {name} {{ type ipv4_addr; }}")
            if gone := before.sets.get(name, frozenset()) - members:
                commands.append(f"delete element inet {TABLE} {name} {_elements(gone)}")
            if new := members - before.sets.get(name, frozenset()):
                commands.append(f"add element inet {TABLE} {name} {_elements(new)}")
        if (self.ingress, self.egress) != (before.ingress, before.egress):
            for chain, rules in (("ingress", self.ingress), ("egress", self.egress)):
                commands.append(f"flush chain inet {TABLE} allowed_{chain}")
                commands.extend(f"add rule inet {TABLE} allowed_{chain} {rule} accept" for rule in rules)
        commands.extend(f"delete set inet {TABLE} {name}" for name in sorted(before.sets.keys() - self.sets.keys()))
        commands.append(f'add chain inet {TABLE} revision {{ comment "{self.revision}"; }}')
        return "; ".join(commands)


def packet_filter(configuration: VpcConfiguration, interface: Interface, ports: tuple[int, ...]) -> PacketFilter:
    """The filter of an interface. ``ports`` are the gateway's own that every task may call.

    Security groups have no say over the resolver, Simfra, and what comes from the subnets' routers.
    """
    rules = configuration.filters[interface.filter]
    routers = _elements({subnet.gateway_address for subnet in configuration.subnets})
    resolver = configuration.dns_address
    always = "ct state established,related"
    return PacketFilter(
        ingress=(always, "iif lo", f"ip saddr {routers}", *rules.ingress),
        egress=(
            always,
            "oif lo",
            f"ip daddr {routers} tcp dport {{ {', '.join(map(str, sorted(ports)))} }}",
            *([f"ip daddr {resolver} meta l4proto {{ tcp, udp }} th dport 53"] if resolver is not None else ()),
            *rules.egress,
        ),
        sets={name: configuration.groups[name] for name in rules.groups},
    )


@dataclass(eq=False)
class _Call:
    """A namespace that is there, and what it has in force."""

    name: str
    applied: PacketFilter | None = None
    is_ready: bool = False


class Filters:
    """The filter port, and every namespace that has called."""

    def __init__(self, ports: tuple[int, ...]) -> None:
        self._ports = ports
        self._interfaces: Mapping[str, Interface] = {}
        self._wanted: dict[str, PacketFilter] = {}
        self._changed = asyncio.Condition()
        self._confirmed = asyncio.Condition()
        self._calls: set[_Call] = set()
        self._calls_by_address: dict[str, int] = {}

    async def replace(self, configuration: VpcConfiguration) -> None:
        """Bring every namespace to what a configuration says, and wait a moment for those that are there."""
        by_filter: dict[str, PacketFilter] = {}
        for name, interface in configuration.interfaces.items():
            if interface.filter not in by_filter:
                wanted = packet_filter(configuration, interface, self._ports)
                before = self._wanted.get(name)
                by_filter[interface.filter] = before if before == wanted else wanted
        self._interfaces = configuration.interfaces
        self._wanted = {name: by_filter[interface.filter] for name, interface in configuration.interfaces.items()}
        async with self._changed:
            self._changed.notify_all()
        async with self._confirmed:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._confirmed.wait_for(self._is_in_force), _IN_FORCE_WITHIN_S)

    def _is_in_force(self) -> bool:
        return all(call.applied == self._wanted.get(call.name, call.applied) for call in self._calls)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a namespace until it goes away."""
        address = str(writer.get_extra_info("peername")[0])
        calls = self._calls_by_address.get(address, 0)
        if calls < _MAX_CALLS_PER_ADDRESS:
            self._calls_by_address[address] = calls + 1
            with suppress(OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
                if name := await self._identify(reader, address):
                    call = _Call(name)
                    self._calls.add(call)
                    try:
                        await self._serve(call, reader, writer)
                    finally:
                        self._calls.remove(call)
            self._calls_by_address[address] -= 1
            if not self._calls_by_address[address]:
                del self._calls_by_address[address]
        writer.close()

    async def _identify(self, reader: asyncio.StreamReader, address: str) -> str:
        """Whose namespace calls; nothing for somebody who only claims to be it."""
        hello = await asyncio.wait_for(reader.readline(), _HELLO_TIMEOUT_S)
        name, _, token = hello.decode(errors="replace").strip().partition(" ")
        async with asyncio.timeout(_UNKNOWN_TIMEOUT_S), self._changed:
            await self._changed.wait_for(lambda: name in self._interfaces)
        interface = self._interfaces[name]
        is_it = str(interface.address) == address and hmac.compare_digest(token.encode(), interface.token.encode())
        return name if is_it else ""

    async def _serve(self, call: _Call, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(_MAX_COMMANDS):
            wanted = self._wanted.get(call.name)
            if wanted is None:
                return
            if wanted != call.applied:
                command = wanted.whole() if call.applied is None else wanted.change_from(call.applied)
                writer.write(f"{command}\n".encode())
            revision, complaint = await _ask_revision(reader, writer)
            if revision != wanted.revision:
                print(f"{call.name}: the filter is not in force: {complaint or 'it was lost'}", flush=True)
                call.applied = None
                await asyncio.sleep(_RETRY_S)
                continue
            call.applied = wanted
            if not call.is_ready:
                writer.write(b"READY\n")
                call.is_ready = True
            async with self._confirmed:
                self._confirmed.notify_all()
            await self._next_change(call)

    async def _next_change(self, call: _Call) -> None:
        """Wait until an interface is to have another filter, or until it is time to look."""
        async with self._changed:
            with suppress(TimeoutError):
                await asyncio.wait_for(
                    self._changed.wait_for(lambda: self._wanted.get(call.name) is not call.applied), _LOOK_EVERY_S
                )


async def _ask_revision(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, str]:
    """The revision of the filter in force, and what nftables complained about before it said so."""
    writer.write(f"list chain inet {TABLE} revision\n".encode())
    await writer.drain()
    complaints: list[str] = []
    async with asyncio.timeout(_ANSWER_TIMEOUT_S):
        for _ in range(_MAX_ANSWER_LINES):
            line = (await reader.readuntil()).decode(errors="replace").strip()
            if line.startswith('comment "'):
                return line.split('"')[1], " ".join(complaints)
            if line == f"list chain inet {TABLE} revision":
                # What nftables quotes when there is no such chain.
                return "", " ".join(complaints)
            if line.startswith("Error") or complaints:
                complaints.append(line)
    return "", " ".join(complaints)


def _elements(addresses: Iterable[IPv4Address]) -> str:
    return f"{{ {', '.join(map(str, sorted(addresses)))} }}"
