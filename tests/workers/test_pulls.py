"""Images: brought once for everybody who waits, in the background, with the reason where that fails."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import OperationalError

from aws_api.core import images
from aws_api.core.containers import PullImage, RuntimeFailure, Scope
from aws_api.core.images import ImageArchive, ImageNotFound
from tests.support.fake_runtime import FakeRuntime
from tests.support.waiting import wait_for
from tests.workers.conftest import leave_lease
from tests.workers.things import KIND, Thing, ThingController
from workers.loop import reconcile
from workers.models import Lease, Pull, PullStatus
from workers.pull_behavior import MAX_ATTEMPTS
from workers.pulls import bring

Kicks = list[tuple[str, str]]


@dataclass
class Registry:
    """A registry of our own: image to content."""

    contents: dict[str, bytes] = field(default_factory=dict)

    def owns(self, reference: str) -> bool:
        return reference.startswith("ours/")

    def repository_arn(self, reference: str) -> str:
        return f"arn:aws:ecr:us-east-1:000000000000:repository/{reference}"

    def digest(self, reference: str) -> str:
        return self.archive(reference).digest

    def refresh(self, reference: str, progress: Any) -> None:
        """Nothing here is a copy of anything."""

    def archive(self, reference: str) -> ImageArchive:
        if reference not in self.contents:
            raise ImageNotFound(f"{reference}: not found")
        content = self.contents[reference]
        digest = f"sha256:{content.hex()}"
        return ImageArchive(name=reference, digest=digest, size_bytes=len(content), chunks=iter([content]))


@pytest.fixture(autouse=True)
def no_copies(settings: Any) -> None:
    """Nobody is asked for a copy of an image: only the engine pulls."""
    settings.SIMFRA_PULL_THROUGH = False


@pytest.fixture
def registry(database: None) -> Iterator[Registry]:
    registry = Registry()
    images.register_image_source(registry)
    yield registry
    images._sources.remove(registry)


@pytest.fixture
def slow_engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRuntime]:
    """An engine without images, whose pulls take until its gate is opened; nobody waits for them for long."""
    monkeypatch.setattr("workers.pulls._WAIT_S", 0.05)
    engine = FakeRuntime()
    engine.pull_gate = threading.Event()
    yield engine
    engine.pull_gate.set()


def let_go(engine: FakeRuntime, image: str) -> Pull:
    """Let the pulls end."""
    assert engine.pull_gate is not None
    engine.pull_gate.set()

    def ended() -> bool:
        is_over = Pull.objects.exclude(status=PullStatus.PULLING).filter(subject=image).exists()
        return is_over and not Lease.objects.filter(kind="image", key=image).exists()

    wait_for(ended, what="the pull")
    return Pull.objects.get(subject=image)


def test_an_image_is_pulled_before_its_container_is_made(
    things: ThingController, engine: FakeRuntime, key: str
) -> None:
    thing = things.things[key] = Thing(image=f"far/{key}:1")
    reconcile(KIND, key, engine)
    assert thing.last == "RUNNING"
    assert engine.calls.count(f"pull_image far/{key}:1") == 1
    pull = Pull.objects.get(subject=f"far/{key}:1")
    assert (pull.status, pull.progress) == ("PULLED", {"layer": {"status": "Pull complete", "done": 2, "total": 2}})


def test_nobody_waits_for_a_slow_pull_and_who_wants_the_image_is_kicked(
    things: ThingController, slow_engine: FakeRuntime, key: str, kicks: Kicks
) -> None:
    image = f"far/{key}:1"
    keys = [f"{key}-{number}" for number in range(3)]
    for each in keys:
        things.things[each] = Thing(image=image)
        reconcile(KIND, each, slow_engine)
    assert Pull.objects.get(subject=image).progress == {"layer": {"status": "Downloading", "done": 1, "total": 2}}
    assert {thing.last for thing in things.things.values()} == {"GONE"}
    let_go(slow_engine, image)
    assert sorted(kicks) == sorted((KIND, each) for each in keys)
    for each in keys:
        reconcile(KIND, each, slow_engine)
        assert things.things[each].last == "RUNNING"
    assert slow_engine.calls.count(f"pull_image {image}") == 1


def test_a_thing_is_ended_while_its_image_is_on_its_way(
    things: ThingController, slow_engine: FakeRuntime, key: str
) -> None:
    thing = things.things[key] = Thing(image=f"far/{key}:1")
    reconcile(KIND, key, slow_engine)
    thing.wanted = False
    assert reconcile(KIND, key, slow_engine) is None
    assert not thing.rounds[-1].plan
    let_go(slow_engine, thing.image)


def test_everybody_who_waited_hears_why_a_pull_failed_and_the_next_one_tries_again(
    things: ThingController, slow_engine: FakeRuntime, key: str, kicks: Kicks
) -> None:
    image, reason = f"far/{key}:1", "CannotPullContainerError: not found"
    slow_engine.fail("pull_image", image, reason)
    keys = [f"{key}-{number}" for number in range(2)]
    for each in keys:
        things.things[each] = Thing(image=image)
        reconcile(KIND, each, slow_engine)
    let_go(slow_engine, image)
    for each in keys:
        reconcile(KIND, each, slow_engine)
        assert things.things[each].failures == [reason]
    things.things[f"{key}-late"] = Thing(image=image)
    reconcile(KIND, f"{key}-late", slow_engine)
    assert things.things[f"{key}-late"].last == "RUNNING"


def test_an_image_of_our_own_registry_never_meets_another(
    things: ThingController, engine: FakeRuntime, registry: Registry, key: str
) -> None:
    image = f"ours/{key}:1"
    registry.contents[image] = b"one"
    thing = things.things[key] = Thing(image=image)
    reconcile(KIND, key, engine)
    assert thing.last == "RUNNING"
    assert [call for call in engine.calls if "image" in call] == [f"load_image {image}"]
    assert Pull.objects.get(subject=image).digest == "sha256:" + b"one".hex()


def test_an_image_of_our_own_is_brought_again_when_its_tag_moved_and_only_then(
    things: ThingController, engine: FakeRuntime, registry: Registry, key: str
) -> None:
    image = f"ours/{key}:1"
    for content in (b"one", b"one", b"two"):
        registry.contents[image] = content
        things.things[key] = Thing(image=image)
        reconcile(KIND, key, engine)
        things.things[key].wanted = False
        reconcile(KIND, key, engine)
    assert engine.calls.count(f"load_image {image}") == 2


def test_an_image_that_our_registry_lacks_fails_as_ecs_says_it(
    things: ThingController, engine: FakeRuntime, registry: Registry, key: str
) -> None:
    image = f"ours/{key}:1"
    thing = things.things[key] = Thing(image=image)
    reconcile(KIND, key, engine)
    assert thing.failures == [
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): "
        f"failed to resolve ref {image}: {image}: not found"
    ]


def test_a_pull_that_died_with_its_worker_is_taken_over(things: ThingController, engine: FakeRuntime, key: str) -> None:
    image = f"far/{key}:1"
    leave_lease("image", image, lapses_in_s=-1)
    thing = things.things[key] = Thing(image=image)
    reconcile(KIND, key, engine)
    assert thing.last == "RUNNING"


def test_a_pull_whose_end_could_not_be_written_down_lets_go_and_kicks_who_waits(
    things: ThingController, slow_engine: FakeRuntime, key: str, kicks: Kicks, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = f"far/{key}:1"
    things.things[key] = Thing(image=image)
    reconcile(KIND, key, slow_engine)
    died: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda arguments: died.append(arguments.exc_value))

    def broken(_pull: Pull) -> None:
        raise OperationalError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Pull, "save", broken)
        assert slow_engine.pull_gate is not None
        slow_engine.pull_gate.set()
        wait_for(lambda: died, what="the end of the thread")
    assert [str(error) for error in died] == ["the disk is full"]
    assert not Lease.objects.filter(kind="image", key=image).exists()
    assert kicks == [(KIND, key)]
    reconcile(KIND, key, slow_engine)
    assert things.things[key].last == "RUNNING"


def test_an_image_of_another_registry_is_taken_as_the_engine_has_it_unless_the_setting_says_otherwise(
    things: ThingController, settings: Any, key: str
) -> None:
    image = f"theirs/{key}:1"
    asked = {"": 0, "prefer-cached": 0, "once": 1, "default": 2, "always": 2}
    for behavior, pulls in asked.items():
        settings.SIMFRA_IMAGE_PULL_BEHAVIOR = behavior
        engine = FakeRuntime(images=[image])
        Pull.objects.filter(subject=image).delete()
        for _ in range(2):
            bring(pull_step(image), engine.observe(seen(image)).images[image], (KIND, key), engine)
        assert engine.calls.count(f"pull_image {image}") == pulls, behavior


def test_the_engines_image_stands_in_for_one_that_cannot_be_pulled_only_by_default(
    things: ThingController, settings: Any, key: str
) -> None:
    image = f"theirs/{key}:1"
    engine = FakeRuntime(images=[image])
    for _ in range(2):
        engine.fail("pull_image", image, "CannotPullContainerError: away")
    present = engine.observe(seen(image)).images[image]
    settings.SIMFRA_IMAGE_PULL_BEHAVIOR = "default"
    assert bring(pull_step(image), present, (KIND, key), engine)
    settings.SIMFRA_IMAGE_PULL_BEHAVIOR = "always"
    with pytest.raises(RuntimeFailure, match="away"):
        bring(pull_step(image), present, (KIND, key), engine)


def test_a_pull_is_patient_with_a_registry_that_says_too_many_requests(
    engine: FakeRuntime, things: ThingController, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    waited: list[int] = []

    def at_once(attempt: int) -> float:
        waited.append(attempt)
        return 0.0

    monkeypatch.setattr("workers.pulls.patience_s", at_once)
    image = f"theirs/{key}:1"
    for _ in range(2):
        engine.fail("pull_image", image, "toomanyrequests: slow down")
    assert bring(pull_step(image), None, (KIND, key), engine)
    assert waited == [0, 1]
    for _ in range(MAX_ATTEMPTS):
        engine.fail("pull_image", f"{image}2", "toomanyrequests: slow down")
    with pytest.raises(RuntimeFailure, match="slow down"):
        bring(pull_step(f"{image}2"), None, (KIND, key), engine)
    assert waited == [0, 1, 0, 1, 2, 3]


def pull_step(image: str) -> PullImage:
    return PullImage(image=image, account_id="000000000000", region="us-east-1", cause="a task wants it")


def seen(image: str) -> Scope:
    return Scope(labels={"none": "none"}, images=(image,))
