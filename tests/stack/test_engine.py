"""The engine over its socket, without the Docker SDK or command."""

import io
import subprocess
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from simfra.stack.engine import Engine, EngineError, find_engine


def test_an_engine_that_is_not_there_is_named_with_its_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    with pytest.raises(EngineError, match=r"No Docker engine answers at unix:.*nobody\.sock: .*No such file"):
        find_engine()


def test_an_address_of_a_kind_that_cannot_be_used_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "ssh://somebody@somewhere")
    with pytest.raises(EngineError, match="only unix:// and tcp:// engines"):
        find_engine()


@pytest.fixture
def engine() -> Engine:
    try:
        return find_engine()
    except EngineError as error:
        pytest.skip(f"needs a Docker engine: {error}")


@pytest.fixture
def image(engine: Engine) -> Iterator[str]:
    """A name for an image, gone after the test."""
    name = f"simfra-test-{uuid.uuid4().hex[:12]}:1"
    yield name
    if engine.has_image(name):
        subprocess.run(["docker", "rmi", name], check=True, capture_output=True)


@pytest.mark.docker
def test_a_dockerfiles_target_is_built_and_its_steps_are_told(engine: Engine, image: str) -> None:
    said: list[str] = []
    context = archive({"Dockerfile": "FROM scratch AS wanted\nCOPY note /note\nFROM no-such-image\n", "note": "hello"})
    assert not engine.has_image(image)
    engine.build(context, target="wanted", tag=image, arguments={}, say=said.append)
    assert engine.has_image(image)
    assert any("COPY note /note" in line for line in said)


@pytest.mark.docker
def test_a_step_that_fails_is_the_error(engine: Engine, image: str) -> None:
    context = archive({"Dockerfile": "FROM scratch AS wanted\nCOPY missing /missing\n"})
    with pytest.raises(EngineError, match="missing"):
        engine.build(context, target="wanted", tag=image, arguments={}, say=lambda _: None)
    assert not engine.has_image(image)


@pytest.mark.docker
def test_a_root_directory_becomes_an_image(engine: Engine, image: str) -> None:
    engine.import_root(archive({"etc/motd": "hello"}), image, say=lambda _: None)
    assert engine.has_image(image)


def archive(files: dict[str, str]) -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    buffer.seek(0)
    return buffer
