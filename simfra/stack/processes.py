"""The control plane's processes, each by its name: gateway, console, worker, beat, watcher, relay.

`manage.py up` forks them from its supervisor; in a container each runs as `python -m simfra.stack.processes NAME`.
"""

import argparse
import contextlib
import gc
import os
import socket
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simfra.stack.instance import Instance

#: How long a web process lets requests finish when it is told to stop.
GRACE_S = 2
_BACKLOG = 1024
#: Clients of data channels send a kilobyte at a time.
_MAX_FRAME_BYTES = 1024 * 1024
#: Python's own 700 is for programs that make fewer objects than requests do.
_COLLECT_EVERY_OBJECTS = 10_000

Ready = Callable[[], None]


def run_gateway(listeners: Sequence[socket.socket], ready: Ready) -> None:
    """Serve AWS traffic with uvicorn; dockerd needs its quick answer to a TLS greeting, and bodies that stream."""
    import uvicorn

    from aws_api.core.draining import drain
    from simfra.asgi import application
    from simfra.stack.joined_writes import JoinedWritesProtocol

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            drain()
            await super().shutdown(sockets)

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            _spare_the_lasting_objects()
            ready()

    config = uvicorn.Config(
        application,
        http=JoinedWritesProtocol,
        backlog=_BACKLOG,
        access_log=False,  # the gateway writes its own line a request
        log_config=None,
        # Loopback callers have privileges, so nobody may claim an address of theirs in a header.
        proxy_headers=False,
        server_header=False,
        date_header=True,
        ws="websockets-sansio",
        ws_max_size=_MAX_FRAME_BYTES,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=GRACE_S,
    )
    Server(config).run(sockets=list(listeners))


def _spare_the_lasting_objects() -> None:
    """Keep the collector off what was imported, and make it rarer: it cost a sixth of a short request's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY_OBJECTS)


def run_console(listeners: Sequence[socket.socket], ready: Ready) -> None:
    """Serve the console and its websockets with Daphne, from the same ASGI application."""
    from daphne.server import Server

    from simfra.asgi import application

    Server(
        application,
        endpoints=[f"fd:fileno={listener.fileno()}" for listener in listeners],
        ready_callable=ready,
        application_close_timeout=GRACE_S,
        server_name="simfra",
    ).run()


def run_worker(_listeners: Sequence[socket.socket], ready: Ready) -> None:
    """Work off the kicks in threads: the work waits on Docker."""
    from celery import signals

    from simfra.celery import app

    _skip_checks()
    signals.worker_ready.connect(lambda **_: ready(), weak=False)
    warnings.filterwarnings("ignore", message="(?s).*superuser privileges")  # only JSON is accepted, nothing pickled
    app.Worker(
        hostname=f"worker-{os.getpid()}@{socket.gethostname()}",
        loglevel="INFO",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    ).start()


def run_beat(_listeners: Sequence[socket.socket], ready: Ready) -> None:
    """Send the scheduled jobs. The schedule is in memory: every period is short, so a restart loses nothing."""
    from celery import signals

    from simfra.celery import app

    _skip_checks()
    signals.beat_init.connect(lambda **_: ready(), weak=False)
    app.Beat(scheduler_cls="celery.beat:Scheduler", loglevel="WARNING", quiet=True).run()


def run_watcher(_listeners: Sequence[socket.socket], ready: Ready) -> None:
    """Turn the engine's event stream into kicks."""
    import django

    django.setup()
    from workers import watcher

    ready()
    watcher.main()


def run_relay(_listeners: Sequence[socket.socket], ready: Ready) -> None:
    """Listen on the host for what is published of VPCs."""
    import django

    django.setup()
    from workers.relay import process

    ready()
    process.main()


PROCESSES: dict[str, Callable[[Sequence[socket.socket], Ready], None]] = {
    "gateway": run_gateway,
    "console": run_console,
    "worker": run_worker,
    "beat": run_beat,
    "watcher": run_watcher,
    "relay": run_relay,
}


def run(name: str, listener_fds: Sequence[int], ready_fd: int | None) -> None:
    """Run a process by its name until it is told to stop; a byte on ``ready_fd`` says that it serves."""
    listeners = [socket.socket(fileno=fd) for fd in listener_fds]

    def ready() -> None:
        if ready_fd is not None:
            os.write(ready_fd, b"\n")
            os.close(ready_fd)

    PROCESSES[name](listeners, ready)


def _skip_checks() -> None:
    """Let Celery not run Django's system checks: `migrate` did, and they touch, so copy, much shared memory."""
    os.environ["CELERY_SKIP_CHECKS"] = "1"


def listen(host: str, port: int, *, freebind: bool = False) -> socket.socket:
    """A socket that listens; ``freebind`` allows an address that no interface has yet (Linux).

    Raises OSError where the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if freebind:
            listener.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def gateway_listeners(host: str, port: int, uplink_gateway: str) -> list[socket.socket]:
    """What the gateway listens on: its address and, when that is loopback, all that `localhost` and containers mean.

    Raises OSError where the port is taken.
    """
    listeners = [listen(host, port)]
    if host == "127.0.0.1":
        # Some programs try ::1 alone for `localhost`.
        with contextlib.suppress(OSError):  # IPv6 is switched off
            listeners.append(listen("::1", port))
        if sys.platform == "linux":
            # Where containers reach us; the address exists once the first VPC's network does.
            listeners.append(listen(uplink_gateway, port, freebind=True))
    return listeners


#: Linux's number; Python has no name for it before 3.14.
_IP_FREEBIND = 15


def main() -> None:
    """The command line of one process: for containers, and for systems where forking is not safe."""
    parser = argparse.ArgumentParser(prog="python -m simfra.stack.processes", description=__doc__)
    parser.add_argument("name", choices=PROCESSES)
    parser.add_argument("--listener", type=int, action="append", default=[], help="an inherited listening socket")
    parser.add_argument("--ready", type=int, help="an inherited pipe that is told when the process serves")
    given = parser.parse_args()
    from simfra.stack.instance import this_instance

    instance = this_instance()
    instance.adopt()
    fds = given.listener or [listener.detach() for listener in _own_listeners(given.name, instance)]
    run(given.name, fds, given.ready)


def _own_listeners(name: str, instance: "Instance") -> list[socket.socket]:
    """The sockets of a process that was handed none."""
    if name == "gateway":
        return gateway_listeners(instance.host, instance.port, instance.uplink_gateway)
    return [listen(instance.host, instance.console_port)] if name == "console" else []


if __name__ == "__main__":
    main()
