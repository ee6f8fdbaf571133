"""One Postgres, one Valkey and one schema for the whole run; a fresh AWS account for each test that wants one.

Rows are really committed: operations run in other threads and on other connections than the test. The account is what
keeps tests apart, so a test asserts only on what is in its own.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> None:
    """The servers are the run's own (tests/servers.py), so their one database is the test database."""
    from django.core.management import call_command

    with django_db_blocker.unblock():
        call_command("migrate", verbosity=0)


@pytest.fixture(scope="session")
def database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The migrated database, open to every thread for the whole run."""
    from django.db import connection

    from aws_api.core.database import close_pool
    from aws_api.core.execution import run_on_loop

    with django_db_blocker.unblock():
        yield
        run_on_loop(close_pool())
        connection.close()
        connection.close_pool()


@pytest.fixture(autouse=True)
def connections_come_back() -> Iterator[None]:
    """A thread that ends without `connections.close_all()` takes its connection along, and later tests wait in vain."""
    yield
    from django.db import connection

    for pool in connection._connection_pools.values():
        figures = pool.get_stats()
        kept = figures["pool_size"] - figures["pool_available"]
        assert kept <= pool.max_size // 2, f"{kept} of {pool.max_size} database connections did not come back"


@pytest.fixture(scope="session")
def gateway(database: None) -> Callable[..., Any]:
    """The whole ASGI application of port 4599, in this process."""
    from simfra.asgi import application

    return application


@pytest.fixture
def account(database: None) -> Any:
    """A fresh AWS account with root keys."""
    from aws_api.core.ids import new_account_id
    from aws_api.core.models import Account

    return Account.objects.create(account_id=new_account_id())


@pytest.fixture
def context(account: Any) -> Any:
    """A call's context as root of the account, in us-east-1."""
    from aws_api.core.context import internal_context

    return internal_context(account.account_id, "us-east-1")


@pytest.fixture
def aws(gateway: Callable[..., Any], account: Any, kicks: list[tuple[str, str]]) -> Callable[..., Any]:
    """``aws("sqs")``: a boto3 client of the account that goes through the whole gateway in this process.

    Options: ``region_name``, ``parameter_validation=False``, ``client_host`` (whom the gateway sees), ``key`` and
    ``secret`` and ``token``, and whatever boto3's client takes.
    """
    from tests.support.in_process import client

    def make(service: str, **options: Any) -> Any:
        options.setdefault("key", account.root_access_key_id)
        options.setdefault("secret", account.root_secret_access_key)
        return client(gateway, service, **options)

    return make


@pytest.fixture
def kicks(database: None) -> Iterator[list[tuple[str, str]]]:
    """What was kicked, as (kind, key), instead of sent to Celery."""
    from aws_api.core.reconcile import set_kicker

    kicked: list[tuple[str, str]] = []
    set_kicker(lambda kind, key: kicked.append((kind, key)))
    yield kicked
    set_kicker(None)


@pytest.fixture(scope="session")
def live_gateway(live_gateway_process: tuple[str, int]) -> str:
    """The URL of the gateway as a process of its own, on a free port, with the test database."""
    return live_gateway_process[0]


@pytest.fixture(scope="session")
def live_gateway_process(database: None) -> Iterator[tuple[str, int]]:
    """The same with the number of that process."""
    from tests.support.waiting import wait_for

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "SIMFRA_PORT": str(port)}
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "simfra.asgi:application",
        "--port",
        str(port),
        "--log-level",
        "warning",
    ]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        wait_for(lambda: _accepts(port) or process.poll() is not None, timeout_s=30, what="the gateway's port")
        assert process.poll() is None, "the gateway ended at once"
        yield f"http://localhost:{port}", process.pid
    finally:
        process.terminate()
        process.wait(10)


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0
