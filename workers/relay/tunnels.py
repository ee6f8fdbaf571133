"""Ways into VPCs: a connection through a VPC's gateway to an address behind it (sidecar/relay.py)."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass

from aws_api.core.containers import RuntimeFailure
from aws_api.core.host_ports import VpcAddress
from sidecar.pipes import FirstLine, abort, keep_alive
from sidecar.relay import CONNECT_TIMEOUT_S

#: To the gateway itself, which is on this machine or its virtual one.
_REACH_TIMEOUT_S = 2.0
#: A gateway that is made anew is back in a moment: connections wait for it.
_PATIENCE_S, _LOOK_AGAIN_S = 3.0, 0.25
_ANSWER_TIMEOUT_S = CONNECT_TIMEOUT_S + 5
_MAX_ANSWER_BYTES = 1024

Address = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class Entrance:
    """Where the relay of a VPC's gateway may be reached, best first, and what it wants to see."""

    addresses: tuple[Address, ...]
    token: str


#: Finds the entrance to a VPC's network by its name; may take a while. Raises RuntimeFailure.
Finder = Callable[[str], Entrance]


class Tunnels:
    """Opens connections into VPCs; remembers where their gateways are until one is not there any more."""

    def __init__(self, find: Finder) -> None:
        self._find = find
        self._known: dict[str, tuple[Address, str]] = {}

    async def open(self, target: VpcAddress) -> tuple[asyncio.Transport, bytes]:
        """A connection to the target and what it has said already; not reading yet.

        Raises ConnectionRefusedError and TimeoutError where the target does, OSError for everything else.
        """
        try:
            return await self._try(target)
        except _SomebodyElse:
            # The gateway was made anew elsewhere, and another program has its old address.
            self._known.pop(target.network_name, None)
            return await self._try(target)

    async def _try(self, target: VpcAddress) -> tuple[asyncio.Transport, bytes]:
        transport, first, token = await self._reach(target.network_name)
        wish = {
            "token": token,
            "protocol": target.protocol,
            "address": target.address,
            "port": target.port,
            "origin": target.origin.value,
        }
        try:
            keep_alive(transport.get_extra_info("socket"))
            transport.write(json.dumps(wish).encode() + b"\n")
            answer, rest = await asyncio.wait_for(first.line, _ANSWER_TIMEOUT_S)
        except BaseException:
            abort(transport)
            raise
        if answer == b"ok":
            return transport, rest
        transport.close()
        raise _refusal(target, answer.decode(errors="replace"))

    async def _reach(self, network_name: str) -> tuple[asyncio.Transport, FirstLine, str]:
        known = self._known.get(network_name)
        if known is not None:
            try:
                return *await _connect(known[0]), known[1]
            except (OSError, TimeoutError):
                # Another container has its place.
                self._known.pop(network_name, None)
        deadline = asyncio.get_running_loop().time() + _PATIENCE_S
        while True:
            try:
                return await self._find_and_reach(network_name)
            except (OSError, TimeoutError, RuntimeFailure) as problem:
                if asyncio.get_running_loop().time() > deadline:
                    raise OSError(f"the gateway of {network_name} cannot be reached: {problem}") from problem
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def _find_and_reach(self, network_name: str) -> tuple[asyncio.Transport, FirstLine, str]:
        entrance = await asyncio.to_thread(self._find, network_name)
        problem: Exception = OSError("it has no address")
        for address in entrance.addresses:
            try:
                reached = await _connect(address)
            except (OSError, TimeoutError) as error:
                problem = error
                continue
            self._known[network_name] = address, entrance.token
            return *reached, entrance.token
        raise problem


class _SomebodyElse(OSError):
    """Who answered is not the gateway of the VPC."""


def _refusal(target: VpcAddress, answer: str) -> OSError:
    """What a gateway's answer other than ok means."""
    where = f"{target.address}:{target.port}"
    match answer:
        case "error refused":
            return ConnectionRefusedError(f"{where} refuses connections")
        case "error timeout":
            return TimeoutError(f"{where} does not answer")
        case "error the token is wrong":
            return _SomebodyElse(f"the gateway of another VPC is where that of {target.network_name} was")
        case _ if answer.startswith("error "):
            return OSError(answer.removeprefix("error "))
        case _:
            return _SomebodyElse(f"another program is where the gateway of {target.network_name} was")


async def _connect(address: Address) -> tuple[asyncio.Transport, FirstLine]:
    connecting = asyncio.get_running_loop().create_connection(lambda: FirstLine(_MAX_ANSWER_BYTES), *address)
    return await asyncio.wait_for(connecting, _REACH_TIMEOUT_S)
