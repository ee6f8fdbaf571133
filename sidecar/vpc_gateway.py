"""The gateway of a VPC: the ``.1`` of every subnet, the way out, the resolver, and the way to Simfra.

Environment: BACKING_ADDRESS (its own, on the VPC's network), UPLINK_SUBNET, EMULATOR_HOST and EMULATOR_HOST_PORT (where
Simfra is), EMULATOR_PORT (what tasks dial), CONTROL_PORT, RELAY_PORT, FILTER_PORT, CONTROL_TOKEN. Needs NET_ADMIN and
ip_forward.

Prints READY when it can be configured. The control port takes one line of JSON a connection,
``{"token": ..., "configuration": ...}`` (see configuration.py), applies all of it or nothing, and answers
``ok <version>`` or ``error <reason>``. Changes of names come the same way and touch nothing else.

The relay port is the way in from the host (see relay.py). At the filter port, which is the VPC's, tasks' namespaces
get their security groups (see filters.py).

The resolver answers on the VPC's address, while the VPC has DNS support, and always on the uplink, where people on the
host ask it through a published port.
"""

import asyncio
import hmac
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from ipaddress import AddressValueError, IPv4Address, IPv4Network

from sidecar import routing
from sidecar.configuration import ConfigurationError, VpcConfiguration, ZoneChange
from sidecar.filters import Filters
from sidecar.place import Place
from sidecar.relay import INTERNET_ADDRESS, Relay
from sidecar.resolver import Listener, Resolver
from sidecar.routing import RoutingError

#: Docker's resolver, in the namespace of every container on a network that a user made.
UPSTREAM = ("127.0.0.11", 53)
_MAX_LINE_BYTES = 16 * 1024 * 1024
_READ_TIMEOUT_S = 10.0
_LOOK_AGAIN_S = 5.0


@dataclass
class Gateway:
    """The gateway's state: what it was last told, in force. One change at a time, whoever wants it."""

    place: Place
    resolver: Resolver
    filters: Filters
    configuration: VpcConfiguration
    version: int = 0
    listener: Listener | None = None
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def configure(self, configuration: VpcConfiguration) -> int:
        """Put a configuration into force and answer its version. On an error the one before stays in force."""
        async with self._one_at_a_time:
            if self.version == 0 or configuration.routing_part() != self.configuration.routing_part():
                try:
                    await self._apply(configuration)
                except (RoutingError, OSError):
                    await self._apply(self.configuration)
                    raise
            self.configuration = configuration
            self.version += 1
            self.resolver.replace(configuration)
            await self.filters.replace(configuration)
            return self.version

    def change(self, changes: Sequence[ZoneChange]) -> int:
        """Put changes of names into force; a configuration that knew nothing of them does not take them back."""
        self.resolver.change(changes)
        return self.version

    async def move_emulator(self, address: IPv4Address) -> None:
        """Forward to another address from now on: Simfra's own container was made anew."""
        async with self._one_at_a_time:
            place = replace(self.place, emulator=(address, self.place.emulator[1]))
            await asyncio.to_thread(routing.apply, place, self.configuration)
            self.place = place

    async def _apply(self, configuration: VpcConfiguration) -> None:
        await asyncio.to_thread(routing.apply, self.place, configuration)
        if self.listener is not None and configuration.dns_address == self.configuration.dns_address:
            return
        if self.listener is not None:
            self.listener.close()
            self.listener = None
        if configuration.dns_address is not None:
            self.listener = await self.resolver.serve(str(configuration.dns_address))


class Control:
    """The control port: only for who knows the token."""

    def __init__(self, gateway: Gateway, token: str) -> None:
        self._gateway = gateway
        self._token = token.encode()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        with suppress(OSError):
            try:
                line = await asyncio.wait_for(reader.readline(), _READ_TIMEOUT_S)
                answer = await self._answer(line)
            except (TimeoutError, ValueError) as error:
                answer = f"error {error or 'no line came'}"
            writer.write(f"{answer.splitlines()[0]}\n".encode())
            await writer.drain()
        writer.close()

    async def _answer(self, line: bytes) -> str:
        message = json.loads(line)
        token = str(message.get("token")) if isinstance(message, dict) else ""
        if not hmac.compare_digest(token.encode(errors="surrogatepass"), self._token):
            return "error the token is wrong"
        told = message.get("configuration")
        try:
            if isinstance(told, dict) and "changes" in told:
                changes = [ZoneChange.from_json(change) for change in told["changes"]]
                return f"ok {self._gateway.change(changes)}"
            configuration = VpcConfiguration.from_json(told)
            return f"ok {await self._gateway.configure(configuration)}"
        except (ConfigurationError, RoutingError, OSError) as error:
            print(f"refused a configuration: {error}", flush=True)
            return f"error {error}"


async def follow_emulator(gateway: Gateway, host: str) -> None:
    """Where Simfra is known by a name, look again now and then: in Compose a new container has a new address."""
    with suppress(AddressValueError):
        IPv4Address(host)
        return
    while True:
        await asyncio.sleep(_LOOK_AGAIN_S)
        with suppress(OSError, RoutingError):
            address = await asyncio.to_thread(_resolve, host)
            if address != gateway.place.emulator[0]:
                await gateway.move_emulator(address)
                print(f"{host} is at {address} now", flush=True)


async def serve() -> None:
    """Run the gateway until it is ended."""
    host = os.environ["EMULATOR_HOST"]
    place = routing.find_place(
        backing_address=IPv4Address(os.environ["BACKING_ADDRESS"]),
        uplink_subnet=IPv4Network(os.environ["UPLINK_SUBNET"]),
        emulator=(_resolve(host), int(os.environ["EMULATOR_HOST_PORT"])),
        emulator_port=int(os.environ["EMULATOR_PORT"]),
        control_port=int(os.environ["CONTROL_PORT"]),
        filter_port=int(os.environ["FILTER_PORT"]),
    )
    nothing = VpcConfiguration()
    routing.apply(place, nothing)
    filters = Filters((place.emulator_port, place.filter_port))
    gateway = Gateway(place=place, resolver=Resolver(UPSTREAM), filters=filters, configuration=nothing)
    await gateway.resolver.serve(str(place.uplink_address))
    control = Control(gateway, os.environ["CONTROL_TOKEN"])
    server = await asyncio.start_server(
        control.converse, str(place.uplink_address), place.control_port, limit=_MAX_LINE_BYTES
    )
    # At any of the subnets' first addresses, which come and go; the rules let in nobody but the VPC.
    namespaces = await asyncio.start_server(filters.converse, "0.0.0.0", place.filter_port, backlog=1024)
    routing.take_address(INTERNET_ADDRESS)
    relay = await Relay(os.environ["CONTROL_TOKEN"]).serve(str(place.uplink_address), int(os.environ["RELAY_PORT"]))
    print("READY", flush=True)
    await asyncio.gather(
        server.serve_forever(), namespaces.serve_forever(), relay.serve_forever(), follow_emulator(gateway, host)
    )


def _resolve(host: str) -> IPv4Address:
    return IPv4Address(socket.getaddrinfo(host, None, socket.AF_INET)[0][4][0])


def main() -> None:
    """End at once on SIGTERM: nothing here is worth waiting for."""
    # As the first process of its container, it has no default reaction to signals.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    try:
        asyncio.run(serve())
    except RoutingError as error:
        sys.exit(f"the gateway cannot stand here: {error}")


if __name__ == "__main__":
    main()
