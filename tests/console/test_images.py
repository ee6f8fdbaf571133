"""Images in the browser: repositories, layers, platforms, how to push, imports and pulls."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from aws_api.core import bus
from aws_api.core.pull_reports import PULLS_TOPIC
from tests.console.test_live import connected, received
from tests.console.test_pages import page
from tests.services.ecr.registry import Client as Registry
from tests.services.ecr.registry import layer, push_image, push_manifest
from tests.support.threads import in_thread
from workers.models import Pull

INDEX = "application/vnd.oci.image.index.v1+json"


@pytest.fixture
def pushed(gateway: Any, account: Any, aws: Callable[..., Any]) -> str:
    """The digest of an image ``app:1`` of two layers."""
    aws("ecr").create_repository(repositoryName="app")
    return push_image(Registry(gateway), f"{account.account_id}/app", "1", layer(one=b"1"), layer(two=b"22"))


def shown(browser: Client, path: str) -> str:
    return unescape(page(browser, path))


def test_a_repository_is_listed_with_how_to_push(browser: Client, pushed: str, account: Any) -> None:
    text = shown(browser, "/images/")
    assert "/images/app/" in text
    assert "docker push" in text
    assert account.account_id in text
    assert "/images/app/" not in shown(browser, "/images/?q=other")


def test_an_image_has_its_layers(browser: Client, pushed: str) -> None:
    assert f"/images/app/{pushed}" in shown(browser, "/images/app/")
    text = shown(browser, f"/images/app/{pushed}")
    manifest = json.loads(text.partition('<pre class="code" tabindex="0">')[2].partition("</pre>")[0])
    assert len(manifest["layers"]) == 2
    for described in manifest["layers"]:
        assert text.count(described["digest"]) == 2, "in the list of layers and in the manifest"


def test_an_image_for_several_platforms_leads_to_each(browser: Client, gateway: Any, account: Any, pushed: str) -> None:
    listed = [{"digest": pushed, "size": 1, "mediaType": "m", "platform": {"os": "linux", "architecture": "arm64"}}]
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}).encode()
    digest = push_manifest(Registry(gateway), f"{account.account_id}/app", "all", index, INDEX)
    text = shown(browser, f"/images/app/{digest}")
    assert "linux/arm64" in text
    assert f"/images/app/{pushed}" in text
    assert "1 platform" in shown(browser, "/images/app/")


def test_an_image_is_deleted(browser: Client, pushed: str) -> None:
    assert browser.post("/images/app/delete", {"imageDigest": pushed})["location"] == "/images/app/"
    text = shown(browser, "/images/app/")
    assert "The image is deleted." in text
    assert "It is empty" in text


def test_a_repository_is_made_and_a_bad_name_refused_in_awss_words(browser: Client) -> None:
    browser.post("/images/create", {"repositoryName": "team/app"})
    assert "/images/team/app/" in shown(browser, "/images/")
    browser.post("/images/create", {"repositoryName": "Team"})
    assert "InvalidParameterException" in shown(browser, "/images/")


def test_an_archive_that_is_none_is_refused(browser: Client) -> None:
    browser.post("/images/import", {"archive": SimpleUploadedFile("x.tar", b"nothing"), "repository": "app"})
    assert 'class="notice bad"' in shown(browser, "/images/")


def test_another_accounts_images_are_not_shown(browser: Client, pushed: str) -> None:
    assert "/images/app/" not in page(Client(), "/images/")
    for path in ("/images/app/", f"/images/app/{pushed}"):
        assert Client().get(path).status_code == 404


async def test_pulls_go_live_for_the_account_whose_tasks_wait(browser: Client, run_task: Callable[..., str]) -> None:
    image = f"nowhere/{datetime.now(UTC).timestamp()}:1"
    await in_thread(run_task, image, "CannotPullContainerError: later")

    def begin(done: int) -> None:
        progress = {"abc": {"status": "Downloading", "done": done, "total": 4096}}
        fields = {"image": image, "status": "PULLING", "progress": progress, "started_at": datetime.now(UTC)}
        Pull.objects.update_or_create(subject=image, defaults={**fields, "finished_at": None})

    await in_thread(begin, 1024)
    async with connected("/_simfra/live/images", browser) as socket:
        await received(socket, 'max="4096" value="1024"')
        await in_thread(begin, 2048)
        await bus.publish_async((PULLS_TOPIC, json.dumps({"image": image}).encode()))
        await received(socket, 'max="4096" value="2048"')
    assert image not in await in_thread(page, Client(), "/images/")
