"""The load balancer's container.

Environment: BACKING_ADDRESS (its own, on the VPC's network), UPLINK_SUBNET, EMULATOR_HOST and EMULATOR_HOST_PORT (where
Simfra is), REPORT_PATH, CONTROL_PORT, CONTROL_TOKEN. Needs NET_ADMIN and ip_forward.

Prints READY when it can be configured. The control port takes one line of JSON a connection, as a VPC gateway's does:
``{"token": ..., "configuration": ...}`` (see configuration.py), and answers ``ok <version>`` or ``error <reason>``.
"""

import asyncio
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from sidecar.load_balancer import interfaces
from sidecar.load_balancer.agent import LoadBalancer
from sidecar.load_balancer.configuration import Configuration, ConfigurationError, changes_from_json
from sidecar.load_balancer.datagrams import DatagramError
from sidecar.load_balancer.interfaces import InterfaceError
from sidecar.load_balancer.proxy import RUN, ProxyError
from sidecar.load_balancer.reports import AccessLog, Reporter

_MAX_LINE_BYTES = 16 * 1024 * 1024
_READ_TIMEOUT_S = 10.0
_REFUSALS = (ConfigurationError, DatagramError, InterfaceError, ProxyError, OSError, TimeoutError)


class Control:
    """The control port: only for who knows the token."""

    def __init__(self, load_balancer: LoadBalancer, token: str) -> None:
        self._load_balancer = load_balancer
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
        told: Any = message.get("configuration")
        try:
            if isinstance(told, dict) and "changes" in told:
                return f"ok {await self._load_balancer.change(changes_from_json(told['changes']))}"
            return f"ok {await self._load_balancer.configure(Configuration.from_json(told))}"
        except _REFUSALS as error:
            print(f"refused a configuration: {error}", flush=True)
            return f"error {error or type(error).__name__}"


async def serve() -> None:
    """Run the load balancer until HAProxy ends, or it is ended."""
    device = interfaces.find_device(IPv4Address(os.environ["BACKING_ADDRESS"]))
    uplink_address = _uplink_address()
    load_balancer = LoadBalancer(device, interfaces.find_device(uplink_address))
    token = os.environ["CONTROL_TOKEN"]
    reporter = Reporter(
        host=os.environ["EMULATOR_HOST"],
        port=int(os.environ["EMULATOR_HOST_PORT"]),
        path=os.environ["REPORT_PATH"],
        token=token,
        collect=load_balancer.report,
        told=load_balancer.was_told,
    )
    log_socket = RUN / "access-log.sock"
    log_socket.unlink(missing_ok=True)
    await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: AccessLog(reporter.log_lines), local_addr=str(log_socket), family=socket.AF_UNIX
    )
    control = Control(load_balancer, token)
    server = await asyncio.start_server(
        control.converse, str(uplink_address), int(os.environ["CONTROL_PORT"]), limit=_MAX_LINE_BYTES
    )
    print("READY", flush=True)
    await asyncio.gather(server.serve_forever(), load_balancer.run(), reporter.run(), _pass_on(load_balancer, reporter))


async def _pass_on(load_balancer: LoadBalancer, reporter: Reporter) -> None:
    while True:
        await load_balancer.news.wait()
        load_balancer.news.clear()
        reporter.wake()


def _uplink_address() -> IPv4Address:
    subnet = IPv4Network(os.environ["UPLINK_SUBNET"])
    shown = subprocess.run(
        ["ip", "-json", "-4", "address", "show"], capture_output=True, text=True, timeout=_READ_TIMEOUT_S, check=True
    )
    addresses = [address["local"] for link in json.loads(shown.stdout) for address in link.get("addr_info", ())]
    found = next((IPv4Address(address) for address in addresses if IPv4Address(address) in subnet), None)
    if found is None:
        raise InterfaceError(f"No interface has an address in {subnet}")
    return found


def main() -> None:
    """End at once on SIGTERM: who drains a load balancer does it before."""
    # As the first process of its container, it has no default reaction to signals.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    try:
        asyncio.run(serve())
    except (InterfaceError, ProxyError) as error:
        sys.exit(f"the load balancer cannot stand here: {error}")


if __name__ == "__main__":
    main()
