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
from tests.services.ecs.docker_stage import DockerStage, docker_settings, docker_stage, shell
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
