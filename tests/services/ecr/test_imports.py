"""Images out of archives: those that docker save writes, older and newer, and those that somebody made up."""

import hashlib
import io
import json
import os
import tarfile
from typing import Any

import pytest
from django.test import Client

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.images import image_mirror
from aws_api.services.ecr.imports import BadArchive, import_archive
from tests.services.ecr.registry import OCI_INDEX, OCI_MANIFEST, config, digest_of, layer, manifest

CONTENT = layer(file=b"x")
CONFIG = config(CONTENT)


def packed(files: dict[str, bytes], links: dict[str, str] | None = None) -> io.BytesIO:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for name, target in (links or {}).items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            tar.addfile(link)
    archive.seek(0)
    return archive


def docker_archive(*names: str) -> io.BytesIO:
    """As docker save wrote it before version 25: a layer that is there twice is a link."""
    index = [{"Config": "c.json", "RepoTags": list(names), "Layers": ["1/layer.tar", "2/layer.tar"]}]
    files = {"1/layer.tar": CONTENT, "c.json": CONFIG, "manifest.json": json.dumps(index).encode()}
    return packed(files, {"2/layer.tar": "../1/layer.tar"})


def oci_archive(*names: str) -> io.BytesIO:
    """As docker save writes it since: an OCI layout, with manifest.json beside it for the names."""
    body = manifest(CONFIG, CONTENT, media_type=OCI_MANIFEST)
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [_entry(body)]}
    legacy = [{"Config": _path(CONFIG), "RepoTags": list(names), "Layers": [_path(CONTENT)]}]
    blobs = {_path(content): content for content in (CONFIG, CONTENT, body)}
    return packed(
        {
            **blobs,
            "index.json": json.dumps(index).encode(),
            "manifest.json": json.dumps(legacy).encode(),
            "oci-layout": b"{}",
        }
    )


def _path(content: bytes) -> str:
    return f"blobs/sha256/{hashlib.sha256(content).hexdigest()}"


def _entry(body: bytes) -> dict[str, Any]:
    return {"mediaType": OCI_MANIFEST, "digest": digest_of(body), "size": len(body)}


@pytest.mark.parametrize("make", [docker_archive, oci_archive])
def test_an_archive_goes_where_its_names_say(make: Any, aws: Any, account: Any) -> None:
    own, public = f"localhost:4599/{account.account_id}/imported:2", f"example.test/x{os.urandom(3).hex()}:1"
    done = import_archive(make(own, public), None, SYSTEM_CLOCK.now())
    assert [each.image for each in done] == [own, public]
    (described,) = aws("ecr").describe_images(repositoryName="imported")["imageDetails"]
    assert (described["imageTags"], described["imageDigest"]) == (["2"], done[0].digest)
    mirror = image_mirror()
    assert mirror is not None
    assert mirror.archive(public).digest == done[1].digest


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"something": b"else"}, "lacks manifest.json"),
        ({"manifest.json": b"["}, "not JSON"),
        ({"manifest.json": b"[]"}, "lists no images"),
        ({"manifest.json": b'[{"Config": "../../etc/passwd", "RepoTags": ["a:1"]}]'}, "lacks"),
        ({"index.json": b'{"manifests": [{"digest": "x"}]}'}, "SHA-256"),
        ({"index.json": json.dumps({"manifests": [_entry(b"{}")]}).encode(), _path(b"{}"): b"other"}, "cannot be read"),
    ],
)
def test_what_is_no_archive_of_images_is_refused(database: None, files: dict[str, bytes], why: str) -> None:
    with pytest.raises(BadArchive, match=why):
        import_archive(packed(files), None, SYSTEM_CLOCK.now())


def test_the_admin_api_imports_into_a_named_repository_and_lists_it(gateway: Any, account: Any, aws: Any) -> None:
    target = f"/_simfra/images/import?repository=named&tag=3&account={account.account_id}"
    answer = Client().post(target, docker_archive().read(), content_type="application/x-tar")
    assert answer.status_code == 201, answer.content
    (image,) = answer.json()["images"]
    assert image["image"] == f"localhost:4599/{account.account_id}/named:3"
    assert aws("ecr").describe_images(repositoryName="named")["imageDetails"][0]["imageTags"] == ["3"]
    (listed,) = Client().get(f"/_simfra/images?account={account.account_id}").json()
    assert (listed["kind"], listed["imageTags"]) == ("own", ["3"])
    assert Client().post("/_simfra/images/import", b"nothing", content_type="application/x-tar").status_code == 400
