"""A whole control plane, started and stopped through manage.py as a person would."""

import json
import os
import signal
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from simfra.stack.running import Running
from tests.stack.conftest import ROOT, START_TIMEOUT_S, Stack
from tests.support.waiting import wait_for

NewStack = Callable[[str], Stack]
KILLED = ("gateway", "worker", "valkey-server")


def test_up_serves_until_down_and_says_where(new_stack: NewStack) -> None:
    stack = new_stack("one")
    started = stack.manage("up", "--detach")
    assert started.returncode == 0, started.stdout + started.stderr
    assert f"export AWS_ENDPOINT_URL=http://localhost:{stack.port}" in started.stdout
    assert f"http://localhost:{stack.console_port}/" in started.stdout
    assert "Tasks cannot run: SIMFRA_DOCKER is false." in started.stdout
    assert status_of(stack.port, "/_simfra/health") == 200
    assert status_of(stack.console_port, "/_simfra/health") == 200

    assert stack.manage("down").returncode == 0
    assert Running(stack.data_dir).pid() is None
    assert refuses(stack.port)
    assert refuses(stack.console_port)


def test_a_process_that_dies_is_restarted_and_refuses_no_client_meanwhile(running: Stack) -> None:
    first = running.child_pids()
    for name in KILLED:
        os.kill(first[name], signal.SIGKILL)
    assert status_of(running.port, "/_simfra/health") == 200
    wait_for(
        lambda: all(running.child_pids().get(name, 0) not in (0, first[name]) for name in KILLED),
        timeout_s=30,
        what="new processes",
    )
    assert {name: pid for name, pid in running.child_pids().items() if name not in KILLED} == {
        name: pid for name, pid in first.items() if name not in KILLED
    }
    log = (running.data_dir / "logs" / "up.log").read_text()
    assert "The gateway ended by signal 9; restarting it in 0.5 s." in log


def test_a_second_up_on_the_same_data_directory_is_refused(running: Stack) -> None:
    refused = running.manage("up")
    assert refused.returncode == 1
    assert f"Simfra runs already on {running.data_dir} (process {running.supervisor_pid})." in refused.stdout


def test_a_taken_port_is_named_with_the_variable_that_changes_it(running: Stack, new_stack: NewStack) -> None:
    second = new_stack("two")
    clashing = Stack(data_dir=second.data_dir, port=running.port, console_port=second.console_port)
    refused = clashing.manage("up")
    assert refused.returncode == 1
    assert f"127.0.0.1:{running.port}" in refused.stdout
    assert "SIMFRA_PORT" in refused.stdout


def test_two_instances_live_side_by_side_under_names_of_their_own(new_stack: NewStack) -> None:
    stacks = [new_stack("one"), new_stack("two")]
    for stack in stacks:
        assert stack.manage("up", "--detach").returncode == 0
    identities = [json.loads((stack.data_dir / "instance.json").read_text()) for stack in stacks]
    assert identities[0]["name"] != identities[1]["name"]
    assert [status_of(stack.port, "/_simfra/health") for stack in stacks] == [200, 200]
    assert stacks[0].manage("down").returncode == 0
    assert status_of(stacks[1].port, "/_simfra/health") == 200


def test_reset_leaves_nothing(new_stack: NewStack) -> None:
    stack = new_stack("one")
    stack.manage("up", "--detach")
    servers = (stack.data_dir / "servers").resolve()
    assert stack.manage("reset", "--yes").returncode == 0
    assert not stack.data_dir.exists()
    assert not servers.exists()


def test_nobody_else_can_read_the_state(running: Stack) -> None:
    assert stat.S_IMODE(running.data_dir.stat().st_mode) == 0o700
    for path in (running.data_dir / "secrets").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_ctrl_c_stops_everything_cleanly(new_stack: NewStack) -> None:
    stack = new_stack("one")
    command = [sys.executable, str(ROOT / "manage.py"), "up"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=stack.environment, stdin=subprocess.DEVNULL, stdout=pipe, text=True) as process:
        wait_for((stack.data_dir / "ready").exists, timeout_s=START_TIMEOUT_S, what="the stack")
        children = stack.child_pids()
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Stopping" in output
    assert not [name for name, pid in children.items() if Path(f"/proc/{pid}").exists()]


def test_doctor_names_a_taken_port_and_fails(running: Stack, new_stack: NewStack) -> None:
    second = new_stack("two")
    clashing = Stack(data_dir=second.data_dir, port=running.port, console_port=second.console_port)
    examined = clashing.manage("doctor")
    assert examined.returncode == 1
    assert f"port {running.port}: Address already in use" in examined.stdout
    assert "SIMFRA_PORT" in examined.stdout


def test_django_commands_use_the_instances_own_database(running: Stack) -> None:
    shown = running.manage("migrate", "--check")
    assert shown.returncode == 0, shown.stdout + shown.stderr


def status_of(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def refuses(port: int) -> bool:
    try:
        status_of(port, "/")
    except urllib.error.URLError:
        return True
    return False
