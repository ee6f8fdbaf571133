"""The product as its user starts it: `manage.py up` in a process, with a data directory of its own."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN_S = 600  # the first start may build the sidecar image
STOP_WITHIN_S = 30


class Stack:
    """One instance. ``environment`` is what a user's shell has after the `export` lines."""

    def __init__(self, data_dir: Path, *, port: int = 4599, console_port: int = 4600) -> None:
        self.data_dir = data_dir
        self.endpoint = f"http://localhost:{port}"
        self.console = f"http://localhost:{console_port}"
        # Not the servers of the test run: the instance starts its own.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SIMFRA_")}
        inherited.pop("DATABASE_URL", None)
        inherited.pop("REDIS_URL", None)
        self._environment = {
            **inherited,
            "SIMFRA_DATA_DIR": str(data_dir),
            "SIMFRA_PORT": str(port),
            "SIMFRA_CONSOLE_PORT": str(console_port),
        }
        self.environment = {
            **inherited,
            "PATH": f"{_commands(data_dir)}{os.pathsep}{inherited['PATH']}",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "AWS_PAGER": "",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def up(self) -> None:
        """Start it and wait until it says that it is ready."""
        log = (self.data_dir / "up.log").open("ab")
        command = [sys.executable, "manage.py", "up"]
        self._process = process = subprocess.Popen(
            command, cwd=ROOT, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        wait_for(
            lambda: (self.data_dir / "ready").exists() or process.poll() is not None,
            timeout_s=READY_WITHIN_S,
            what="the stack to be ready",
        )
        assert process.poll() is None, (self.data_dir / "up.log").read_text()

    def interrupt(self) -> None:
        """Ctrl-C: the control plane ends, tasks go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        assert self._process.wait(STOP_WITHIN_S) == 0, (self.data_dir / "up.log").read_text()
        self._process = None

    def down(self) -> str:
        """`manage.py down`: everything of the instance is gone. Returns what it said."""
        if self._process is not None:
            self.interrupt()
        return self.manage("down")

    def manage(self, *arguments: str) -> str:
        """Run another command of manage.py and return its output."""
        result = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert result.returncode == 0, result.stdout
        return result.stdout

    def shell(self, command: str, *, cwd: Path = ROOT, timeout_s: float = 300, **variables: str) -> str:
        """Run a line of shell as the user would and return its output."""
        result = subprocess.run(
            ["sh", "-c", command],
            cwd=cwd,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert result.returncode == 0, f"{command}\n{result.stdout[-3000:]}{result.stderr[-3000:]}"
        return result.stdout

    def aws(self, command: str) -> Any:
        """Run an AWS CLI command and return its answer."""
        output = self.shell(f"aws {command} --output json")
        return json.loads(output) if output.strip() else {}

    def admin(self, path: str, **query: str) -> Any:
        """GET from the admin API."""
        text = "&".join(f"{name}={value}" for name, value in query.items())
        with urllib.request.urlopen(f"{self.endpoint}/_simfra/{path}?{text}", timeout=10) as response:
            return json.load(response)

    def containers(self) -> Mapping[str, str]:
        """Every container of the instance, by name, with its id."""
        return dict(line.split()[::-1] for line in self._docker("ps -a --no-trunc --format '{{.ID}} {{.Names}}'"))

    def networks(self) -> list[str]:
        """Every network of the instance."""
        return self._docker("network ls --format '{{.Name}}'")

    def _docker(self, command: str) -> list[str]:
        name = json.loads((self.data_dir / "instance.json").read_text())["name"]
        return self.shell(f"docker {command} --filter label=simfra.instance={name}").split("\n")[:-1]


def _commands(data_dir: Path) -> Path:
    """A folder with the AWS CLI. Version 1, PyPI's, ignores AWS_ENDPOINT_URL for SQS, so it gets the option."""
    folder = data_dir / "commands"
    folder.mkdir()
    command = folder / "aws"
    command.write_text(f'#!/bin/sh\nexec {Path(sys.executable).parent}/aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"\n')
    command.chmod(0o755)
    return folder
