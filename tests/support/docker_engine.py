"""The fixture of tests that run real containers: an instance of the run's own on the engine."""

import os
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import override_settings

from tests.support.images import sidecar_image
from workers.docker import engine
from workers.docker.cleanup import remove_all


@pytest.fixture(scope="session")
def docker_settings(database: None) -> Iterator[None]:
    """Settings of an instance of the run's own on the engine; all that it made there is removed at the end."""
    problem = engine.problem()
    if problem is not None:
        pytest.skip(problem)
    # Where no instance chooses its own (simfra/stack/instance.py).
    uplink = f"198.19.{208 + os.getpid() % 32}.0/24"
    with override_settings(SIMFRA_SIDECAR_IMAGE=sidecar_image(), SIMFRA_UPLINK_SUBNET=uplink):
        yield
        remove_all(settings.SIMFRA_INSTANCE)
