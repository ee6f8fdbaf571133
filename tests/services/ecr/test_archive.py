"""The archive that the engine loads: generated from blobs, under exactly the name that was asked."""

import io
import json
import platform
import tarfile

import pytest

from aws_api.core.images import ImageNotFound, image_source
from tests.services.ecr.registry import (
    DOCKER_MANIFEST,
    OCI_INDEX,
    config,
    layer,
    manifest,
    push_blob,
    push_image,
    push_manifest,
)

HERE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
ELSEWHERE = "arm64" if HERE == "amd64" else "amd64"


def read(reference):
    source = image_source(reference)
    assert source is not None
    archive = source.archive(reference)
    chunks = list(archive.chunks)
    assert max(map(len, chunks)) <= 1024 * 1024
    packed = b"".join(chunks)
    assert len(packed) == archive.size_bytes
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar}
    [index] = json.loads(files["manifest.json"])
    return archive, index, files


@pytest.fixture
def reference(account):
    return f"{account.account_id}.dkr.ecr.us-east-1.amazonaws.com/app"


def test_an_archive_is_the_image(registry, name, reference):
    first, second = layer(a=b"1"), layer(b=b"2")
    digest = push_image(registry, name, "1", first, second, first)
    archive, index, files = read(f"{reference}:1")
    assert archive.digest == image_source(reference).digest(f"{reference}:1") == digest
    assert index["RepoTags"] == [f"{reference}:1"]
    assert files[index["Config"]] == config(first, second, first)
    assert [files[layer_name] for layer_name in index["Layers"]] == [first, second, first]
    assert len(files) == 4


def test_an_image_by_digest_is_loaded_under_a_tag_of_its_digest(registry, name, reference):
    digest = push_image(registry, name, "1", layer(a=b"1"))
    archive, index, _ = read(f"{reference}@{digest}")
    assert archive.name == f"{reference}:{digest.replace(':', '-')}"
    assert index["RepoTags"] == [archive.name]


def test_of_an_index_this_platforms_image_is_loaded(registry, name, reference):
    entries = []
    for architecture in (ELSEWHERE, HERE):
        digest = push_image(registry, name, architecture, layer(a=architecture.encode()), architecture=architecture)
        where = {"os": "linux", "architecture": architecture}
        entries.append({"mediaType": DOCKER_MANIFEST, "size": 1, "digest": digest, "platform": where})
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
    digest = push_manifest(registry, name, "all", index, OCI_INDEX)
    archive, index, files = read(f"{reference}:all")
    assert archive.digest == digest
    assert json.loads(files[index["Config"]])["architecture"] == HERE
    only_elsewhere = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries[:1]}).encode()
    push_manifest(registry, name, "elsewhere", only_elsewhere, OCI_INDEX)
    with pytest.raises(ImageNotFound, match=f"no matching manifest for linux/{HERE}"):
        read(f"{reference}:elsewhere")


def test_what_is_not_there_is_said_as_a_registry_says_it(repository, reference, account):
    with pytest.raises(ImageNotFound, match="manifest unknown: Requested image not found"):
        read(f"{reference}:nothing")
    with pytest.raises(ImageNotFound, match="name unknown: The repository with name 'nothing' does not exist"):
        read(f"{account.account_id}.dkr.ecr.us-east-1.amazonaws.com/nothing")


def test_an_artifact_that_is_no_image_still_has_a_config(registry, name, reference):
    push_blob(registry, name, b"{}")
    push_manifest(registry, name, "sbom", manifest(b"{}"))
    _, index, files = read(f"{reference}:sbom")
    assert (files[index["Config"]], index["Layers"]) == (b"{}", [])


def test_somebody_elses_image_has_no_source_here():
    assert image_source("docker.io/library/busybox:1") is None
