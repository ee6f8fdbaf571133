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


def leave_lease(kind: str, key: str, *, lapses_in_s: float) -> None:
    """A lease as a worker that died left it."""
    until = datetime.now(UTC) + timedelta(seconds=lapses_in_s)
    Lease.objects.update_or_create(kind=kind, key=key, defaults={"owner": "a dead worker", "until": until})
