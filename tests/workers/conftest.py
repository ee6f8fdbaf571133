"""Fixtures of the workers' tests: a kind of resource of their own, and a scripted engine."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from aws_api.core import reconcile
from aws_api.core.ids import new_hex_id
from tests.support.docker_engine import docker_settings
from tests.support.fake_runtime import FakeRuntime
from tests.workers.things import IMAGE, KIND, ThingController
from workers.models import Lease

__all__ = ["docker_settings"]


@pytest.fixture
def things(database: None) -> Iterator[ThingController]:
    """The controller, registered while the test runs."""
    controller = ThingController()
    reconcile.register_controller(controller)
    yield controller
    del reconcile._controllers[KIND]


@pytest.fixture
def engine() -> FakeRuntime:
    """An engine that has the things' image."""
    return FakeRuntime(images=[IMAGE])


@pytest.fixture
def key() -> str:
    """A key that no other test uses."""
    return new_hex_id(digits=12)


def lapse(kind: str, key: str) -> None:
    """Let a lease be as if its worker had died."""
    assert Lease.objects.filter(kind=kind, key=key).update(until=datetime.now(UTC) - timedelta(seconds=1))
