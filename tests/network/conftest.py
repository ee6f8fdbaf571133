"""Fixtures of the tests that send packets."""

from collections.abc import Iterator

import pytest

from tests.network.stage import Stage, running_stage
from tests.support.docker_engine import docker_settings

__all__ = ["docker_settings"]


@pytest.fixture(scope="package")
def stage(docker_settings: None) -> Iterator[Stage]:
    """One for all of these tests: making it takes longer than most of them."""
    with running_stage() as made:
        yield made
