"""Images without the internet, on a real engine: imported from archives, kept when the engine is wiped."""

import os
from collections.abc import Iterator
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO

import pytest
from docker.errors import ImageNotFound

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.services.ecr.imports import import_archive
from tests.services.ecr.upstream import serve_upstream
from tests.services.ecs.docker_stage import PATIENCE_S, DockerStage, docker_settings, docker_stage, shell
from tests.support.waiting import wait_for
from workers.docker import engine

__all__ = ["docker_settings", "docker_stage"]

pytestmark = pytest.mark.docker


@pytest.fixture
def stage(docker_stage: DockerStage) -> DockerStage:
    return docker_stage


@pytest.fixture
def names() -> Iterator[list[str]]:
    """Names that images had on the engine, to be taken away at the end."""
    given: list[str] = []
    yield given
    for name in given:
        forget(name)


def forget(name: str) -> None:
    with suppress(ImageNotFound):
        engine.client().remove_image(name, force=True)


def save(image: str, name: str) -> IO[bytes]:
    """``docker save`` of an image under another name, which the engine does not know afterwards."""
    engine.client().tag(image, *name.rsplit(":", 1))
    archive = TemporaryFile()  # noqa: SIM115 - handed out
    for chunk in engine.client().get_image(name):
        archive.write(chunk)
    archive.seek(0)
    forget(name)
    return archive


def test_an_imported_image_of_our_registry_runs_and_tells_its_digest(stage: DockerStage, names: list[str]) -> None:
    name = f"localhost:4599/{stage.account_id}/offline:1"
    names.append(name)
    with save(stage.image, name) as archive:
        (imported,) = import_archive(archive, None, SYSTEM_CLOCK.now())
    assert imported.image == name
    task = stage.run(shell("exec sleep 600", image=name, stopTimeout=2), until="RUNNING")
    (container,) = task["containers"]
    assert container["imageDigest"] == imported.digest
    (described,) = stage.aws("ecr").describe_images(repositoryName="offline")["imageDetails"]
    assert described["imageDigest"] == imported.digest


def test_an_imported_public_image_stands_in_for_its_registry(stage: DockerStage, names: list[str]) -> None:
    with serve_upstream() as upstream:
        name = f"{upstream.host}/offline-{os.urandom(4).hex()}:1"
        names.append(name)
        with save(stage.image, name) as archive:
            import_archive(archive, None, SYSTEM_CLOCK.now())
        # Its registry answers that it has no such image, and would be asked once more by the engine.
        stage.run(shell("exec sleep 600", image=name, stopTimeout=2), until="RUNNING")
    assert any(name.split("/")[1].split(":", maxsplit=1)[0] in path for path in upstream.asked)


def test_the_tasks_of_a_deployment_have_the_digest_that_its_first_resolved(
    stage: DockerStage, names: list[str]
) -> None:
    name = f"localhost:4599/{stage.account_id}/stable:1"
    names.append(name)
    with save(stage.image, name) as archive:
        (first,) = import_archive(archive, None, SYSTEM_CLOCK.now())
    for service, consistency in (("pinned", "enabled"), ("free", "disabled")):
        container = {**shell("exec sleep 600", image=name, memory=64, stopTimeout=1), "versionConsistency": consistency}
        stage.ecs.register_task_definition(family=service, containerDefinitions=[container])
        stage.ecs.create_service(serviceName=service, taskDefinition=service, desiredCount=1)
    before = {service: running_digests(stage, service) for service in ("pinned", "free")}
    assert before == {"pinned": {first.digest}, "free": {first.digest}}
    newer = f"{name}-newer"
    names.append(newer)
    made = engine.client().create_container(stage.image, ["true"])["Id"]
    try:
        engine.client().commit(made, *newer.rsplit(":", 1), changes="LABEL version=2")
    finally:
        engine.client().remove_container(made)
    with save(newer, name) as archive:
        (second,) = import_archive(archive, None, SYSTEM_CLOCK.now())
    assert second.digest != first.digest, "the tag means another image now"
    for service in before:
        stage.ecs.update_service(service=service, desiredCount=2)
    assert running_digests(stage, "pinned", count=2) == {first.digest}
    assert running_digests(stage, "free", count=2) == {first.digest, second.digest}


def running_digests(stage: DockerStage, service: str, count: int = 1) -> set[str]:
    """The digests of a service's containers, once so many of its tasks run."""

    def running() -> list[str]:
        arns = stage.ecs.list_tasks(serviceName=service)["taskArns"]
        tasks = stage.ecs.describe_tasks(tasks=arns)["tasks"] if arns else []
        found = [task["containers"][0] for task in tasks if task["lastStatus"] == "RUNNING"]
        return [container["imageDigest"] for container in found] if len(found) == count else []

    return set(wait_for(running, timeout_s=PATIENCE_S, every_s=0.1, what=f"{count} tasks of {service}"))
