"""Fixtures for pytest: ``pytest_plugins = ["simfra.testing.plugin"]`` in the conftest.py of a test suite.

Where Simfra is comes from ``--simfra-url``, else SIMFRA_URL, else http://localhost:4599; its token from
SIMFRA_ADMIN_TOKEN.
"""

from collections.abc import Iterator

import pytest

from simfra.testing.accounts import Account
from simfra.testing.client import Simfra
from simfra.testing.faults import Faults
from simfra.testing.waiting import Wait


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where Simfra is."""
    parser.getgroup("simfra").addoption("--simfra-url", default="", help="the URL of the Simfra to test against")


@pytest.fixture(scope="session")
def simfra(request: pytest.FixtureRequest) -> Simfra:
    """The Simfra that the suite runs against. Skips nothing: a suite that needs it fails where it is not."""
    return Simfra(request.config.getoption("--simfra-url"))


@pytest.fixture
def simfra_account(simfra: Simfra) -> Iterator[Account]:
    """An account of the test's own, deleted after it."""
    with simfra.temporary_account() as account:
        yield account


@pytest.fixture
def simfra_wait(simfra: Simfra, simfra_account: Account) -> Wait:
    """Waits for things in the test's account."""
    return simfra.wait(simfra_account)


@pytest.fixture
def simfra_faults(simfra: Simfra, simfra_account: Account) -> Iterator[Faults]:
    """Puts faults into the test's account, and takes them away after the test."""
    faults = Faults(simfra.api, simfra_account.id)
    yield faults
    faults.clear()
