"""Fixtures of the workers' tests."""

from tests.support.docker_engine import docker_settings

__all__ = ["docker_settings"]
