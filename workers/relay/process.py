"""The relay's process: what is published is listened for, by looking at the rows whenever they change.

The only writer of HostPort's ``last_`` columns.
"""

import asyncio
import logging
import resource
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import asyncpg
import django
from django.apps import apps
from django.conf import settings

from aws_api.core import bus, changes
from aws_api.core.changes import StateChange
from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.database import close_pool, fetch
from aws_api.core.execution import adopt_running_loop
from aws_api.core.host_ports import CHANGE_KIND, TOPIC, HostPortStatus, Origin, Purpose, VpcAddress
from workers.relay.listeners import Listener, start_listening
from workers.relay.ports import NoFreePort, take_port
from workers.relay.tunnels import Tunnels

#: A lost message is made up for after this; a port that was not free is tried again.
LOOK_EVERY_S = 5.0
#: Each published address has a listener of its own.
MAX_LISTENERS = 2000

_log = logging.getLogger(__name__)


def main() -> None:
    """Relay until SIGTERM or SIGINT. The entry point of a process of its own."""
    if not apps.ready:
        django.setup()
    _allow_many_connections()

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        adopt_running_loop()
        await relay(stop)

    asyncio.run(run(), debug=False)


async def relay(stop: asyncio.Event) -> None:
    """Relay until told to stop; may share its event loop with others."""
    from workers.docker.entrances import find_entrance

    desk = RelayDesk(Tunnels(find_entrance))
    working = asyncio.create_task(desk.run(), name="relay")
    waiting = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait((working, waiting), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
    finally:
        for task in (working, waiting):
            task.cancel()
        await asyncio.gather(working, waiting, return_exceptions=True)
        await desk.close()
        await close_pool()


class RelayDesk:
    """The listeners, by the rows that they are of."""

    def __init__(self, tunnels: Tunnels) -> None:
        self._tunnels = tunnels
        self._listeners: dict[int, Listener] = {}

    async def run(self) -> None:
        """Until cancelled."""
        async with bus.subscription(TOPIC) as pending:
            while True:
                try:
                    await self.look()
                except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as failure:
                    _log.warning("published ports have to wait: %s", failure)
                with suppress(TimeoutError):
                    await asyncio.wait_for(pending.get(), LOOK_EVERY_S)
                while not pending.empty():
                    pending.get_nowait()

    async def look(self) -> None:
        """Listen for what is published, and for nothing else."""
        # Those that have a port come first: nobody else may get it.
        rows = await fetch(
            "SELECT id, owner, purpose, account_id, region, network_name, host(address) AS address, port, protocol,"
            " wanted_port, origin, last_port, last_status, last_failure"
            " FROM core_hostport ORDER BY last_port IS NULL, id LIMIT $1",
            MAX_LISTENERS,
        )
        for gone in self._listeners.keys() - {row["id"] for row in rows}:
            await self._listeners.pop(gone).close()
        told = [change for row in rows if (change := await self._serve(row)) is not None]
        await bus.publish_async(*[(changes.TOPIC, change.to_json()) for change in told])

    async def close(self) -> None:
        """Let go of every port."""
        for listener in self._listeners.values():
            await listener.close()
        self._listeners.clear()

    async def _serve(self, row: Mapping[str, Any]) -> StateChange | None:
        """Listen for one address; answers what is new about it."""
        target = _target(row)
        listener = self._listeners.get(row["id"])
        if listener is not None:
            listener.target = target
            return None
        try:
            port, opened = take_port(
                settings.SIMFRA_HOST,
                Purpose(row["purpose"]),
                target,
                before=row["last_port"],
                may_be_same=settings.SIMFRA_SAME_HOST_PORTS,
            )
        except NoFreePort as problem:
            return await _record(row, row["last_port"], HostPortStatus.FAILED, str(problem))
        self._listeners[row["id"]] = await start_listening(opened, target, self._tunnels)
        return await _record(row, port, HostPortStatus.OPEN, "")


async def _record(row: Mapping[str, Any], port: int | None, status: HostPortStatus, failure: str) -> StateChange | None:
    if (row["last_port"], row["last_status"], row["last_failure"]) == (port, status.value, failure):
        return None
    await fetch(
        "UPDATE core_hostport SET last_port = $2, last_status = $3, last_failure = $4 WHERE id = $1",
        row["id"],
        port,
        status.value,
        failure,
    )
    if failure:
        _log.warning("%s port %d is not on the host: %s", row["owner"], row["port"], failure)
    return StateChange(
        kind=CHANGE_KIND,
        key=row["owner"],
        account_id=row["account_id"],
        region=row["region"],
        before=row["last_status"],
        after=status.value,
        cause=failure or f"port {port} of the host is open",
        at=SYSTEM_CLOCK.now(),
    )


def _target(row: Mapping[str, Any]) -> VpcAddress:
    return VpcAddress(
        network_name=row["network_name"],
        address=row["address"],
        port=row["port"],
        protocol=row["protocol"],
        wanted_port=row["wanted_port"],
        origin=Origin(row["origin"]),
    )


def _allow_many_connections() -> None:
    """Each connection is two files; shells allow 1024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    main()
