"""A repository ``app`` of the test's account, and a registry client that spells it by path."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services.ecr.registry import Client
from tests.support.waiting import wait_for

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def registry(gateway):
    return Client(gateway)


@pytest.fixture
def repository(aws):
    return aws("ecr").create_repository(repositoryName="app")["repository"]


@pytest.fixture
def name(account, repository):
    """The repository as the path spells it."""
    return f"{account.account_id}/app"


@pytest.fixture(scope="module")
def strict_gateway(database):
    """The address of a gateway process that believes nobody, not even on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "simfra.asgi:application", "--port", str(port)]
    environment = {**os.environ, "SIMFRA_AUTH": "strict", "SIMFRA_PORT": str(port)}
    process = subprocess.Popen([*command, "--log-level", "warning"], cwd=ROOT, env=environment)

    def answers():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_for(lambda: answers() or process.poll() is not None, timeout_s=60, what="the strict gateway's port")
        assert process.poll() is None, "the strict gateway ended at once"
        yield f"localhost:{port}"
    finally:
        process.terminate()
        process.wait(10)
