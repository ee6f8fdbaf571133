"""Fixtures of the tests that send packets."""

from tests.support.docker_engine import docker_settings

__all__ = ["docker_settings"]
