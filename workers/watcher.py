"""The watcher: follows the engine's events and kicks what they concern, and ships containers' output.

It decides nothing. Without it the sweep finds everything, seconds later; output then waits in the engine.
"""

import asyncio
import logging
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import asyncpg
import django
from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connections

from aws_api.core.containers import (
    LABEL_KEY,
    LABEL_KIND,
    LABEL_LOGS,
    LABEL_ROLE,
    ContainerRuntime,
    ContainerState,
    ObservedContainer,
    RuntimeFailure,
    RuntimeUnreachable,
)
from aws_api.core.database import close_pool, fetch
from aws_api.core.execution import adopt_running_loop
from aws_api.core.reconcile import RunsContainers, all_controllers, kick
from aws_api.core.sidecars import ROLE_APPLICATION
from workers import hints
from workers.log_drain import ALIVE_MARK, ALIVE_S
from workers.shipping import Follow, Shipper
from workers.statistics import StatisticsDesk

_MAX_BACK_OFF_S = 15.0
_HEARTBEAT_S = 3.0
#: Starts come in bursts: look at the containers once for those of a moment.
_GATHER_S = 0.02
#: What no event told of is found after this.
_LOOK_EVERY_S = 2.0
_MAX_FOLLOWED = 1000

_log = logging.getLogger(__name__)


def main() -> None:
    """Watch until SIGTERM or SIGINT. The entry point of a process of its own."""
    if not apps.ready:
        django.setup()

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        adopt_running_loop()
        await watch(stop)

    asyncio.run(run())


async def watch(stop: asyncio.Event) -> None:
    """Watch until told to stop; may share its event loop with others. Ends with any of its parts."""
    if not settings.SIMFRA_DOCKER:
        _log.info("there is no Docker engine to watch")
        await stop.wait()
        return
    from workers.docker.following import follow, read
    from workers.docker.runtime import DockerRuntime

    followers = Followers(DockerRuntime(), follow, read)
    loop = asyncio.get_running_loop()
    events = EventFollower(DockerRuntime(), on_containers=lambda: loop.call_soon_threadsafe(followers.look))
    events.start()
    working: list[asyncio.Task[Any]] = [
        asyncio.create_task(followers.run(), name="followers"),
        asyncio.create_task(StatisticsDesk(DockerRuntime()).run(), name="statistics desk"),
        asyncio.create_task(events.ended(), name="engine events"),
    ]
    waiting = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait((*working, waiting), return_when=asyncio.FIRST_COMPLETED)
        for task in working:
            if task.done():
                task.result()
    finally:
        events.stop()
        for task in (*working, waiting):
            task.cancel()
        await asyncio.gather(*working, waiting, return_exceptions=True)
        await close_pool()


class EventFollower:
    """A thread that turns the engine's events into kicks, and prepares the engine's host whenever it comes back."""

    def __init__(self, runtime: ContainerRuntime, on_containers: Callable[[], object]) -> None:
        self._runtime = runtime
        self._on_containers = on_containers
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine events", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Make it end with the next event; it holds nothing that needs an end."""
        self._stopped.set()

    async def ended(self) -> None:
        """Wait until its thread is dead. Raises RuntimeError where nobody stopped it."""
        while self._thread.is_alive():
            await asyncio.sleep(_HEARTBEAT_S)
        if not self._stopped.is_set():
            raise RuntimeError("The engine's events are not followed any more.")

    def _run(self) -> None:
        since_ns, is_away, failures = time.time_ns(), True, 0
        while not self._stopped.is_set():
            try:
                self._prepare_host()
                if is_away:
                    if failures:
                        _log.info("the engine is back")
                    is_away, failures = False, 0
                    self._kick_everything()
                since_ns = self._follow(since_ns)
            except RuntimeFailure as failure:
                # Also one that only refuses: it may be busy starting or stopping.
                failures += 1
                if not is_away or failures == 1:
                    _log.warning("%s", failure)
                is_away = True
                self._stopped.wait(min(_MAX_BACK_OFF_S, 0.25 * 2**failures))

    def _follow(self, since_ns: int) -> int:
        """Kick for each event until the engine has been silent for a while; answers where to go on."""
        for event in self._runtime.events(since_ns):
            if self._stopped.is_set():
                break
            since_ns = event.at_ns + 1
            if event.kind and event.key:
                self._kick(event.kind, event.key)
            if event.action in ("start", "die"):
                self._on_containers()
        return since_ns

    def _kick_everything(self) -> None:
        """Whatever happened while nobody looked: every resource that has containers may have changed."""
        found = self._runtime.find_containers({})
        there = {(each.labels.get(LABEL_KIND, ""), each.labels.get(LABEL_KEY, "")) for each in found}
        for kind, key in sorted(there | self._should_run()):
            if kind and key:
                self._kick(kind, key)
        self._on_containers()

    def _should_run(self) -> set[tuple[str, str]]:
        """What has containers by its rows. Those of them that were removed meanwhile no engine tells of."""
        runners = [each for each in all_controllers() if isinstance(each, RunsContainers)]
        try:
            return {(controller.kind, key) for controller in runners for key in controller.running()}
        except DatabaseError as error:
            _log.warning("what should run is not known: %s", error)
            return set()
        finally:
            connections.close_all()

    def _kick(self, kind: str, key: str) -> None:
        try:
            kick(kind, key)
        except DatabaseError as error:
            # The sweep finds it.
            _log.warning("%s %s was not kicked: %s", kind, key, error)
        finally:
            connections.close_all()  # back into the pool: a thread that ends takes along what it holds

    def _prepare_host(self) -> None:
        from workers.docker import host

        try:
            host.prepare()
        except RuntimeUnreachable:
            raise
        except RuntimeFailure as failure:
            _log.warning("the engine's host is not prepared: %s", failure)


class Followers:
    """Ships the output of every container that a user asked for, each in a task of its own.

    ``follow`` has a container's lines as they come, ``read`` all that there are once it has ended.
    """

    def __init__(self, runtime: ContainerRuntime, follow: Follow, read: Follow) -> None:
        self._runtime = runtime
        self._follow = follow
        self._read = read
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._finished: set[str] = set()
        self._wake = asyncio.Event()

    def look(self) -> None:
        """Look soon which containers there are."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        beating = asyncio.create_task(self._beat(), name="watcher heartbeat")
        try:
            while True:
                self._wake.clear()
                try:
                    await self._look()
                except (RuntimeFailure, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as failure:
                    _log.warning("containers' output has to wait: %s", failure)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), _LOOK_EVERY_S)
                await asyncio.sleep(_GATHER_S)
        finally:
            tasks = [beating, *self._tasks.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self) -> None:
        """Follow what is there and not followed."""
        found = [each for each in await asyncio.to_thread(self._runtime.find_containers, {}) if _is_followed(each)]
        ids = {container.id for container in found}
        self._finished &= ids
        unknown = [container.id for container in found if container.id not in self._tasks]
        if unknown:
            rows = await fetch(
                "SELECT container_id FROM workers_logcursor WHERE finished AND container_id = ANY($1)", unknown
            )
            self._finished |= {row["container_id"] for row in rows}
        for container in found:
            # One that was started again goes on where it ended.
            is_wanted = container.state is ContainerState.RUNNING or container.id not in self._finished
            if is_wanted and container.id not in self._tasks and container.state is not ContainerState.CREATED:
                if len(self._tasks) >= _MAX_FOLLOWED:
                    _log.warning("more than %d containers: the output of %s waits", _MAX_FOLLOWED, container.name)
                    break
                self._tasks[container.id] = asyncio.create_task(self._ship(container), name=f"logs {container.name}")

    async def _ship(self, container: ObservedContainer) -> None:
        try:
            await Shipper(container, self._follow).run()
            # The output ends with the container, but also with the engine: only the former is an end.
            if not await asyncio.to_thread(self._is_running, container):
                # Who follows does not get a last line without a line feed.
                rest = Shipper(container, self._read)
                await rest.run()
                await rest.finish()
                self._finished.add(container.id)
        except* RuntimeFailure as failures:
            _log.info("the output of %s is followed again soon: %s", container.name, failures.exceptions[0])
            await asyncio.sleep(1)
        except* (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as failures:
            _log.warning("the output of %s has to wait: %s", container.name, failures.exceptions[0])
            await asyncio.sleep(1)
        finally:
            del self._tasks[container.id]
            if container.id not in self._finished:
                self.look()

    def _is_running(self, container: ObservedContainer) -> bool:
        found = self._runtime.find_containers({LABEL_KEY: container.labels.get(LABEL_KEY, "")})
        return any(each.id == container.id and each.state is ContainerState.RUNNING for each in found)

    async def _beat(self) -> None:
        while True:
            await asyncio.to_thread(hints.mark_now, ALIVE_MARK, ALIVE_S)
            await asyncio.sleep(_HEARTBEAT_S)


def _is_followed(container: ObservedContainer) -> bool:
    return LABEL_LOGS in container.labels or container.labels.get(LABEL_ROLE) == ROLE_APPLICATION


if __name__ == "__main__":
    main()
