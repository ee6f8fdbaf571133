"""What the operating system lacks: planned first, then said and done, on Debian and Ubuntu as root."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape

from simfra.stack.engine import EngineError, find_engine
from simfra.stack.steps import Steps

ENGINE_START_TIMEOUT_S = 60.0
_APT_TIMEOUT_S = 1200
_DOCKERD_LOG = Path("/var/log/simfra-dockerd.log")
_POLL_S = 0.2

#: The Debian package of each command that something of ours calls.
ENGINE_PACKAGES = {"dockerd": "docker.io", "iptables": "iptables"}
BASE_PACKAGES = {"debootstrap": "debootstrap"}
TEST_PACKAGES = {"docker": "docker-cli", "chromium": "chromium", "dig": "bind9-dnsutils"}


class ProvisionError(Exception):
    """Something could not be installed; the message says what to do by hand."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What matters of this machine before anything is installed on it."""

    is_root: bool
    has_apt: bool
    has_systemd: bool
    has_cgroups: bool
    commands: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Action:
    """One thing to do: what people are told, and the commands."""

    title: str
    note: str
    commands: tuple[tuple[str, ...], ...]


def engine(steps: Steps) -> None:
    """Install and start Docker where no engine answers; what fails is said, and left to doctor."""
    try:
        find_engine()
    except EngineError:
        pass
    else:
        return
    try:
        for action in (*plan_packages(this_machine(), ENGINE_PACKAGES), *plan_engine_start(this_machine())):
            _carry_out(action, steps)
        _start_engine(steps)
    except ProvisionError as error:
        steps.say(f"[red]{escape(str(error))}[/red]")


def packages(steps: Steps, wanted: Mapping[str, str]) -> None:
    """Install the packages of the commands that this machine lacks. Raises ProvisionError."""
    for action in plan_packages(this_machine(), wanted):
        _carry_out(action, steps)


def this_machine() -> Machine:
    """Look at this machine."""
    names = {*ENGINE_PACKAGES, *BASE_PACKAGES, *TEST_PACKAGES}
    cgroups = Path("/sys/fs/cgroup")
    return Machine(
        is_root=os.geteuid() == 0,
        has_apt=shutil.which("apt-get") is not None,
        has_systemd=Path("/run/systemd/system").is_dir(),
        has_cgroups=(cgroups / "cgroup.controllers").exists() or (cgroups / "memory").exists(),
        commands=frozenset(name for name in names if shutil.which(name, path=search_path())),
    )


def plan_packages(machine: Machine, wanted: Mapping[str, str]) -> list[Action]:
    """What installs the missing ones of these commands: nothing, or one apt-get. Raises ProvisionError."""
    missing = sorted({package for command, package in wanted.items() if command not in machine.commands})
    if not missing:
        return []
    names = " ".join(missing)
    if not machine.has_apt:
        raise ProvisionError(f"Please install {names}: --provision knows Debian and Ubuntu only.")
    if not machine.is_root:
        raise ProvisionError(f"Please run as root, or install by hand: apt-get install {names}")
    install = ("apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing)
    return [
        Action(
            title=f"Installing {', '.join(missing)}",
            note="apt-get, some minutes at most",
            commands=(("apt-get", "update", "-qq"), install),
        )
    ]


def plan_engine_start(machine: Machine) -> list[Action]:
    """What must be done before dockerd can start by itself, on a machine without systemd."""
    if machine.has_systemd:
        return [Action(title="Starting Docker", note="systemd", commands=(("systemctl", "enable", "--now", "docker"),))]
    if machine.has_cgroups:
        return []
    install = ("apt-get", "install", "-y", "-qq", "--no-install-recommends", "cgroupfs-mount")
    return [Action(title="Mounting cgroups", note="Docker needs them", commands=(install, ("cgroupfs-mount",)))]


def _start_engine(steps: Steps) -> None:
    with steps.step("Starting Docker", f"dockerd in the background, log in {_DOCKERD_LOG}"):
        process = None
        if not this_machine().has_systemd:
            with _DOCKERD_LOG.open("ab") as log:
                process = subprocess.Popen(
                    ["dockerd"],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    env={**os.environ, "PATH": search_path()},
                )
        deadline = time.monotonic() + ENGINE_START_TIMEOUT_S
        while True:
            try:
                find_engine()
            except EngineError as error:
                if time.monotonic() > deadline or (process is not None and process.poll() is not None):
                    raise ProvisionError(f"Docker did not start ({error}).{_last_words(process)}") from error
                time.sleep(_POLL_S)
            else:
                return


def _last_words(process: subprocess.Popen[bytes] | None) -> str:
    """Why a dockerd of ours ended: it says so at the end of its log."""
    if process is None:
        return " `journalctl -u docker` says why."
    return "\n" + "\n".join(_DOCKERD_LOG.read_text(errors="replace").splitlines()[-3:])


def _carry_out(action: Action, steps: Steps) -> None:
    with steps.step(action.title, action.note) as step:
        for command in action.commands:
            step.show(" ".join(command))
            _run(command)


def _run(command: Sequence[str]) -> None:
    result = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "PATH": search_path()},
        timeout=_APT_TIMEOUT_S,
        check=False,
    )
    if result.returncode:
        sys.stderr.write(result.stdout[-2000:])
        raise ProvisionError(f"`{' '.join(command)}` failed with status {result.returncode}.")


def search_path() -> str:
    """PATH with the administrator's folders, which not every login has."""
    return f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"
