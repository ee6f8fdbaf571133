"""Garbage is collected, and never what an image needs, however pushes, deletions and collections meet."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aws_api.core import account_snapshots
from aws_api.core.account_state import restore_state
from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.services.ecr.blobs import blob_path
from aws_api.services.ecr.garbage import collect
from aws_api.services.ecr.models import Image
from tests.services.ecr.registry import Answer, Client, config, digest_of, layer, manifest, push_blob, push_image

#: Few, so that pushes share them.
LAYERS = [layer(file=bytes([number])) for number in range(3)]
#: Everything is old enough at once: the rows and the locks alone protect what is live.
EAGER = timedelta(seconds=-60)
JOB_S = 60
PAUSE_S = 0.03
#: How an upload ends that was collected, or is being collected, under its client.
TAKEN_AWAY = {"BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID"}


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pushes=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=4),
    deleted=st.integers(0, 2),
)
def test_every_image_that_was_pushed_is_whole_after_collections_at_any_moment(
    registry: Client, aws: Any, name: str, pushes: list[tuple[int, int]], deleted: int
) -> None:
    stopped = threading.Event()

    def sweep() -> None:
        # Now and then, at moments that shift: one collection after the other would take every push for ever.
        while not stopped.wait(PAUSE_S):
            collect(SYSTEM_CLOCK.now(), EAGER)
        connections.close_all()

    def push(number: int, layers: tuple[int, int]) -> None:
        _push_until_taken(registry, name, f"t{number}", [LAYERS[index] for index in layers])

    sweeper = threading.Thread(target=sweep, daemon=True)
    pushers = [threading.Thread(target=push, args=(number, pair)) for number, pair in enumerate(pushes)]
    sweeper.start()
    for thread in pushers:
        thread.start()
    aws("ecr").batch_delete_image(repositoryName="app", imageIds=[{"imageTag": f"t{deleted}"}])
    for thread in pushers:
        thread.join(JOB_S)
    stopped.set()
    sweeper.join(JOB_S)
    images = Image.objects.filter(repository__account_id=name.partition("/")[0])
    for image in images:
        for digest in image.blobs:
            answer = registry.ask("GET", f"/v2/{name}/blobs/{digest}")
            assert (answer.status, digest_of(answer.body)) == (200, digest)
    assert images.exists()
    images.delete()


def _push_until_taken(registry: Client, name: str, tag: str, layers: list[bytes]) -> None:
    """Push as docker does; what an eager collection took before the manifest came is pushed again."""
    configuration = config(*layers)
    body = manifest(configuration, *layers)
    for _ in range(500):
        answers = [_push_once(registry, name, content) for content in (configuration, *layers)]
        if any(answer.status != 201 for answer in answers):
            assert {answer.error for answer in answers if answer.status != 201} <= TAKEN_AWAY
            continue
        answer = registry.ask("PUT", f"/v2/{name}/manifests/{tag}", body)
        if answer.status == 201:
            return
        assert answer.error == "MANIFEST_BLOB_UNKNOWN"
    raise AssertionError("the collection took every push")


def _push_once(registry: Client, name: str, content: bytes) -> Answer:
    """A blob in one request: nothing is left to be collected half way."""
    return registry.ask("POST", f"/v2/{name}/blobs/uploads/?digest={digest_of(content)}", content)


def test_a_deleted_images_bytes_go_unless_another_repository_has_them(registry: Client, aws: Any, name: str) -> None:
    ecr = aws("ecr")
    ecr.create_repository(repositoryName="other")
    shared, own = layer(file=name.encode()), layer(file=name.encode() + b" own")
    push_image(registry, name, "1", shared, own)
    push_image(registry, name.replace("/app", "/other"), "1", shared)
    ecr.batch_delete_image(repositoryName="app", imageIds=[{"imageTag": "1"}])
    collect(SYSTEM_CLOCK.now(), EAGER)
    assert blob_path(digest_of(shared)).exists()
    assert not blob_path(digest_of(own)).exists()


def test_what_a_snapshot_has_stays_for_as_long_as_the_snapshot(
    registry: Client, aws: Any, name: str, account: Any
) -> None:
    content = layer(file=name.encode() + b" of a snapshot")
    push_image(registry, name, "1", content)
    snapshot = account_snapshots.take(account, "with an image")
    aws("ecr").delete_repository(repositoryName="app", force=True)
    collect(SYSTEM_CLOCK.now(), EAGER)
    assert blob_path(digest_of(content)).exists()
    restore_state(account.account_id, account_snapshots.contents_of(snapshot))
    assert registry.ask("GET", f"/v2/{name}/blobs/{digest_of(content)}").body == content
    aws("ecr").delete_repository(repositoryName="app", force=True)
    snapshot.delete()
    collect(SYSTEM_CLOCK.now(), EAGER)
    assert not blob_path(digest_of(content)).exists()


@pytest.mark.parametrize("age", [timedelta(hours=24)])
def test_what_is_young_stays(registry: Client, name: str, age: timedelta) -> None:
    content = layer(file=b"young")
    push_blob(registry, name, content)
    collect(SYSTEM_CLOCK.now(), age)
    assert blob_path(digest_of(content)).exists()
