"""What `down` and `reset` leave of an instance on the engine: nothing but, after `down`, the volumes that are state."""

import os

import pytest

from aws_api.core.containers import LABEL_INSTANCE, LABEL_KEY
from tests.support.docker_engine import docker_settings
from workers.docker import engine
from workers.docker.cleanup import remove_all

__all__ = ["docker_settings"]

pytestmark = pytest.mark.docker


def test_down_removes_a_tasks_own_volumes_and_reset_the_shared_ones_too(docker_settings: None) -> None:
    instance = f"cleanup-{os.getpid()}"
    own, shared, others = (f"{instance}-{kind}" for kind in ("own", "shared", "others"))
    client = engine.client()

    def left() -> set[str]:
        return {volume["Name"] for volume in client.volumes(filters={"name": instance})["Volumes"] or []}

    client.create_volume(own, labels={LABEL_INSTANCE: instance, LABEL_KEY: "task"})
    client.create_volume(shared, labels={LABEL_INSTANCE: instance})
    client.create_volume(others)
    try:
        assert remove_all(instance).volumes == 1
        assert left() == {shared, others}
        assert remove_all(instance, with_shared_volumes=True).volumes == 1
        assert left() == {others}
    finally:
        client.remove_volume(others)
