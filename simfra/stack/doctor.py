"""`manage.py doctor`: what Simfra needs of this machine, whether it is there, and how to mend what is not."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from simfra.stack import images
from simfra.stack.engine import Engine, EngineError, find_engine
from simfra.stack.instance import Instance, this_instance
from simfra.stack.processes import listen
from simfra.stack.running import Running
from simfra.stack.servers import EmbeddedServers, ServerError
from simfra.stack.steps import Steps

OLDEST_PYTHON = (3, 11)
#: The first engine API whose networks and events are as the workers need them (Docker 20.10).
OLDEST_API = (1, 41)
FREE_DISK_BYTES = 5 * 1024**3
_GOOD_DRIVERS = ("overlay2", "overlayfs", "btrfs", "zfs", "fuse-overlayfs", "stargz")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing looked at. ``mend`` is empty where all is well; an ``essential`` one fails the command."""

    subject: str
    found: str
    mend: str = ""
    essential: bool = True


def doctor() -> int:
    """Print the findings; 1 when something essential is missing."""
    findings = list(examine(this_instance()))
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for finding in findings:
        bad = "[red]✗[/red]" if finding.essential else "[yellow]![/yellow]"
        table.add_row("[green]✓[/green]" if not finding.mend else bad, finding.subject, escape(finding.found))
        if finding.mend:
            table.add_row("", "", f"[bold]{escape(finding.mend)}[/bold]")
    Steps().console.print(table)
    return 1 if any(finding.mend and finding.essential for finding in findings) else 0


def examine(instance: Instance) -> Iterator[Finding]:
    """Look at everything, changing nothing but the instance's own empty directories."""
    yield _python()
    yield _servers(instance)
    yield from _ports(instance)
    yield _disk("State", str(instance.data_dir))
    yield from _docker(instance)


def _python() -> Finding:
    found = f"{platform.python_version()} at {sys.executable}"
    good = sys.version_info >= OLDEST_PYTHON
    return Finding(subject="Python", found=found, mend="" if good else "Install Python 3.11 or newer.")


def _servers(instance: Instance) -> Finding:
    if instance.external_database and instance.external_redis:
        return Finding(subject="Servers", found="external: DATABASE_URL, REDIS_URL")
    try:
        home = EmbeddedServers(instance.data_dir, instance.durability).home
    except ServerError as error:
        return Finding(subject="Servers", found=str(error), mend="Set DATABASE_URL and REDIS_URL to servers of yours.")
    return Finding(subject="Servers", found=f"embedded Postgres and Valkey in {home}")


def _ports(instance: Instance) -> Iterator[Finding]:
    pid = Running(instance.data_dir).pid()
    for name, port, variable in (
        ("Gateway", instance.port, "SIMFRA_PORT"),
        ("Console", instance.console_port, "SIMFRA_CONSOLE_PORT"),
    ):
        if pid is not None:
            yield Finding(subject=name, found=f"port {port}, served by process {pid}")
            continue
        try:
            listen(instance.host, port).close()
        except OSError as error:
            mend = f"End what listens there, or choose another port with {variable}."
            yield Finding(subject=name, found=f"port {port}: {error.strerror}", mend=mend)
        else:
            yield Finding(subject=name, found=f"port {port} is free")


def _disk(subject: str, path: str) -> Finding:
    free = shutil.disk_usage(path).free
    found = f"{free / 1024**3:.0f} GiB free at {path}"
    mend = "" if free >= FREE_DISK_BYTES else "Free some space: images and layers need a few GiB."
    return Finding(subject=subject, found=found, mend=mend, essential=False)


def _docker(instance: Instance) -> Iterator[Finding]:
    try:
        engine = find_engine()
        version, info = engine.version(), engine.info()
    except EngineError as error:
        mend = "Start Docker; on Debian and Ubuntu, as root, `manage.py up --provision` installs and starts it."
        if "Permission denied" in str(error):
            mend = "Add yourself to the group docker (`sudo usermod -aG docker $USER`) and log in again."
        yield Finding(subject="Docker", found=str(error), mend=mend)
        return
    api = tuple(int(part) for part in version["ApiVersion"].split("."))
    old = "" if api >= OLDEST_API else "Upgrade to Docker 20.10 or newer."
    found = f"{version['Version']}, API {version['ApiVersion']}, at {engine.address}"
    yield Finding(subject="Docker", found=found, mend=old)
    yield _storage(info["Driver"], info["DockerRootDir"])
    yield _architecture(version["Arch"])
    if Path(info["DockerRootDir"]).is_dir():
        yield _disk("Docker's disk", info["DockerRootDir"])
    count = len(engine.containers(f"simfra.instance={instance.name}"))
    yield Finding(subject="Containers", found=f"{count} of the instance {instance.name} run")
    yield _base_image(engine)


def _storage(driver: str, root_dir: str) -> Finding:
    good = driver in _GOOD_DRIVERS
    mend = "" if good else f"{driver} copies whole layers; set the storage driver overlay2 in /etc/docker/daemon.json."
    return Finding(subject="Storage", found=f"{driver} in {root_dir}", mend=mend, essential=False)


def _architecture(engine_architecture: str) -> Finding:
    own = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    mend = "" if own == engine_architecture else "Images built here may not run there; build them for its architecture."
    return Finding(subject="Architecture", found=f"{engine_architecture}, here {own}", mend=mend, essential=False)


def _base_image(engine: Engine) -> Finding:
    wanted = images.wanted_base()
    for name in (wanted, images.own_base()):
        if name and engine.has_image(name):
            return Finding(subject="Base image", found=f"{name} is there")
    buildable = images.own_base() and os.geteuid() == 0
    found = f"{wanted} is not there yet; `up` pulls it" + (" or builds one from Debian packages" if buildable else "")
    return Finding(subject="Base image", found=found, essential=False)
