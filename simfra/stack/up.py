"""`manage.py up`: everything that one machine needs, started, watched and, on Ctrl-C, stopped."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape

from aws_api.core.sidecars import uplink_network_name
from simfra.stack import images, javascript, provision
from simfra.stack.children import FORKS, ControlProcess, preload, run_in_child, stop_all
from simfra.stack.engine import Engine, EngineError, find_engine
from simfra.stack.instance import Instance, this_instance, with_free_uplink
from simfra.stack.processes import PROCESSES, gateway_listeners, listen
from simfra.stack.running import Running
from simfra.stack.servers import EmbeddedServers, Server
from simfra.stack.steps import Steps
from simfra.stack.supervisor import ServerProcess, Supervisor

READY_TIMEOUT_S = 60.0
#: The first start builds images; it has as long as the slowest mirror.
DETACHED_TIMEOUT_S = 1800.0
#: A process that failed this often at the start is restarted still, but not waited for.
_HOPELESS_FAILURES = 3
_POLL_S = 0.05
#: Processes that have nothing to do where no engine runs containers.
OF_THE_ENGINE = ("watcher", "relay")
PROJECT = Path(__file__).resolve().parent.parent.parent


class PortTaken(Exception):
    """A port that the instance must listen on belongs to somebody else."""


@dataclass(frozen=True, kw_only=True)
class DockerState:
    """What the control plane is told of Docker: where it answers and which sidecar image it has, or the problem."""

    engine: Engine | None = None
    sidecar_image: str = ""
    problem: str = ""

    def environment(self) -> dict[str, str]:
        """The variables that settings.py reads."""
        if self.engine is None:
            return {"SIMFRA_DOCKER": "false", "SIMFRA_DOCKER_PROBLEM": self.problem}
        return {
            "SIMFRA_DOCKER": "true",
            "SIMFRA_DOCKER_PROBLEM": "",
            "SIMFRA_SIDECAR_IMAGE": self.sidecar_image,
            "DOCKER_HOST": self.engine.address,
        }


def up(may_provision: bool) -> int:
    """Start everything and stay until asked to stop. Raises AlreadyRunning, ServerError."""
    started_at = time.monotonic()
    instance = this_instance()
    steps = Steps()
    with Running(instance.data_dir) as running:
        instance = _with_free_uplink(instance)
        try:
            listeners = _listeners(instance)
        except PortTaken as error:
            steps.say(f"[red]{escape(str(error))}[/red]")
            return 1
        docker = _docker(steps, may_provision)
        _javascript(steps)
        # Until here nothing was started, so an interruption may simply end us.
        supervisor = Supervisor(steps.say)
        supervisor.catch_signals()
        with _Servers(instance) as servers:
            children: list[ControlProcess] = []
            try:
                if not _prepare(steps, instance, servers, docker):
                    return 1
                names = [name for name in PROCESSES if name not in OF_THE_ENGINE or docker.engine is not None]
                children = [
                    ControlProcess(name, instance.log_dir / f"{name}.log", listeners.get(name, ())) for name in names
                ]
                servers.watched_by(supervisor)
                _start_children(steps, instance, supervisor, children)
                if not supervisor.stop_asked:
                    running.note_ready()
                    _announce(steps, instance, docker, time.monotonic() - started_at)
                supervisor.watch()
            finally:
                _stop(steps, instance, docker, children)
    return 0


def up_detached(may_provision: bool) -> int:
    """Start everything in the background; returns when it is ready or has failed."""
    instance = this_instance()
    running = Running(instance.data_dir)
    instance.log_dir.mkdir(exist_ok=True, mode=0o700)
    log_path = instance.log_dir / "up.log"
    log_path.write_bytes(b"")
    command = [sys.executable, str(PROJECT / "manage.py"), "up", *(["--provision"] if may_provision else [])]
    with log_path.open("ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + DETACHED_TIMEOUT_S
    shown = 0
    while process.poll() is None and not running.is_ready() and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        shown = _show_new(log_path, shown)
    _show_new(log_path, shown)
    return 0 if process.poll() is None and running.is_ready() else 1


class _Servers:
    """The embedded servers that this instance needs: none, one or both."""

    def __init__(self, instance: Instance) -> None:
        self._wanted: list[Server] = []
        if not (instance.external_database and instance.external_redis):
            embedded: EmbeddedServers = instance.servers()
            self._wanted += [] if instance.external_redis else [embedded.valkey]
            self._wanted += [] if instance.external_database else [embedded.postgres]

    def __enter__(self) -> "_Servers":
        return self

    def __exit__(self, *_: object) -> None:
        for server in reversed(self._wanted):
            server.stop()

    def start(self) -> None:
        for server in self._wanted:
            server.start()

    def wait_until_ready(self) -> None:
        for server in self._wanted:
            server.wait_until_ready()

    def watched_by(self, supervisor: Supervisor) -> None:
        for server in self._wanted:
            supervisor.add(ServerProcess(server))

    @property
    def names(self) -> str:
        return " and ".join(server.name.capitalize() for server in reversed(self._wanted))


def _with_free_uplink(instance: Instance) -> Instance:
    """Looked for before anything listens on it. An engine that is started only later has no networks yet."""
    with suppress(EngineError):
        return with_free_uplink(instance, find_engine().subnets(but=uplink_network_name(instance.name)))
    return instance


def _listeners(instance: Instance) -> dict[str, list[socket.socket]]:
    """The listening sockets, held here so that a web process that restarts refuses nobody."""
    try:
        console = [listen(instance.host, instance.console_port)]
    except OSError as error:
        raise PortTaken(_taken(instance, instance.console_port, "SIMFRA_CONSOLE_PORT", error)) from error
    try:
        gateway = gateway_listeners(instance.host, instance.port, instance.uplink_gateway)
    except OSError as error:
        raise PortTaken(_taken(instance, instance.port, "SIMFRA_PORT", error)) from error
    return {"console": console, "gateway": gateway}


def _taken(instance: Instance, port: int, variable: str, error: OSError) -> str:
    return f"Cannot listen on {instance.host}:{port} ({error.strerror}). Choose another port with {variable}."


def _docker(steps: Steps, may_provision: bool) -> DockerState:
    """Find or install the engine and see to the sidecar image; what goes wrong is why tasks cannot run."""
    if os.environ.get("SIMFRA_DOCKER", "").lower() in ("0", "false", "no", "off"):
        return DockerState(problem="SIMFRA_DOCKER is false.")
    if may_provision:
        provision.engine(steps)
    with steps.step("Docker") as step:
        try:
            engine = find_engine()
            step.result = f"[dim]{engine.version()['Version']} at {engine.address}[/dim]"
        except EngineError as error:
            step.warn(f"[yellow]tasks cannot run: {escape(str(error))}[/yellow]")
            return DockerState(problem=f"{error}. Start Docker, or run `manage.py up --provision`.")
    try:
        return DockerState(engine=engine, sidecar_image=images.ensure_sidecar(engine, steps, may_provision))
    except (EngineError, images.ImageError, provision.ProvisionError) as error:
        steps.say(f"[red]Tasks cannot run: {escape(str(error))}[/red]")
        return DockerState(problem=f"Simfra's sidecar image could not be built: {error}")


def _javascript(steps: Steps) -> None:
    try:
        javascript.ensure_packages(PROJECT, steps)
    except javascript.JavaScriptError as error:
        steps.say(f"[yellow]The console runs without live updates: {escape(str(error))}[/yellow]")


def _prepare(steps: Steps, instance: Instance, servers: _Servers, docker: DockerState) -> bool:
    """Servers up, application loaded, database migrated."""
    if servers.names:
        with steps.step(servers.names):
            servers.start()
            os.environ.update(instance.environment() | docker.environment())
            servers.wait_until_ready()
    os.environ.update(instance.environment() | docker.environment())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "simfra.settings")
    with steps.step("Application"):
        preload()
    log_path = instance.log_dir / "migrate.log"
    with steps.step("Database") as step:
        migrated = run_in_child(_migrate, "migrate", log_path) == 0 if FORKS else _migrate_afresh(log_path)
        if not migrated:
            step.warn(f"[red]the migrations failed; see {log_path}[/red]")
    return migrated


def _migrate() -> None:
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=1)


def _migrate_afresh(log_path: Path) -> bool:
    with log_path.open("ab") as log:
        command = [sys.executable, str(PROJECT / "manage.py"), "migrate", "--no-input"]
        return subprocess.run(command, stdout=log, stderr=log, check=False).returncode == 0


def _start_children(
    steps: Steps, instance: Instance, supervisor: Supervisor, children: Sequence[ControlProcess]
) -> None:
    """Start the control plane's processes and wait until each says that it serves."""
    with steps.step(", ".join(child.name for child in children).capitalize()) as step:
        for child in children:
            child.start()
            supervisor.add(child)
        deadline = time.monotonic() + READY_TIMEOUT_S
        while waiting := [child.name for child in children if not child.is_ready()]:
            hopeless = all(supervisor.failures(name) >= _HOPELESS_FAILURES for name in waiting)
            if supervisor.stop_asked or hopeless or time.monotonic() > deadline:
                step.warn(f"[yellow]not ready: {', '.join(waiting)}; logs in {instance.log_dir}[/yellow]")
                break
            step.show(f"waiting for {', '.join(waiting)}")
            supervisor.look()
            supervisor.pause(_POLL_S)


def _announce(steps: Steps, instance: Instance, docker: DockerState, took_s: float) -> None:
    from django.conf import settings

    steps.say(
        f"\n[bold green]Simfra is ready[/bold green] after {took_s:.1f} s. Ctrl-C stops it; tasks go on running.\n"
    )
    if docker.engine is None:
        steps.say(f"  [yellow]Tasks cannot run: {escape(docker.problem)}[/yellow]\n")
    steps.say(f"  Endpoint  {instance.endpoint}")
    steps.say(f"  Console   {instance.console_url}")
    steps.say(f"  State     {instance.data_dir}\n")
    steps.say(f"export AWS_ENDPOINT_URL={instance.endpoint}")
    steps.say(f"export AWS_REGION={settings.SIMFRA_DEFAULT_REGION} AWS_DEFAULT_REGION={settings.SIMFRA_DEFAULT_REGION}")
    steps.say(f"export AWS_ACCESS_KEY_ID={settings.SIMFRA_ROOT_ACCESS_KEY_ID}")
    steps.say(f"export AWS_SECRET_ACCESS_KEY={settings.SIMFRA_ROOT_SECRET_ACCESS_KEY}\n")


def _stop(steps: Steps, instance: Instance, docker: DockerState, children: Sequence[ControlProcess]) -> None:
    with steps.step("Stopping") as step:
        killed = stop_all(children)
        if killed:
            step.result = f"[dim]ended by force: {', '.join(killed)}[/dim]"
    if docker.engine is None:
        return
    try:
        containers = docker.engine.containers(f"simfra.instance={instance.name}", "simfra.role=app")
    except EngineError as error:
        steps.say(f"[yellow]{escape(str(error))}[/yellow]")
        return
    if containers:
        tasks = {container["Labels"].get("simfra.key", container["Id"]) for container in containers}
        steps.say(
            f"Tasks that go on running: {len(tasks)}. `manage.py down` removes them, `manage.py up` takes them over."
        )


def _show_new(log_path: Path, offset: int) -> int:
    """Print what a log gained; returns how far it was shown."""
    with log_path.open("rb") as log:
        log.seek(offset)
        text = log.read()
    sys.stdout.write(text.decode(errors="replace"))
    sys.stdout.flush()
    return offset + len(text)
