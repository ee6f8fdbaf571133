"""The registry speaks the OCI distribution protocol, over the ASGI application itself."""

import base64
import json
import os
import random
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.context import root_of
from aws_api.services.ecr.blobs import _hashes, blob_path, upload_path
from aws_api.services.ecr.garbage import collect
from aws_api.services.ecr.login import issue_password
from aws_api.services.ecr.models import Layer, LayerUpload
from tests.services.ecr.registry import (
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Client,
    Cut,
    config,
    digest_of,
    layer,
    manifest,
    push_blob,
    push_image,
    push_manifest,
)


def login(account_id, now=None):
    password, _ = issue_password(root_of(account_id), now or SYSTEM_CLOCK.now())
    return {"authorization": "Basic " + base64.b64encode(f"AWS:{password}".encode()).decode()}


def start(registry, name):
    return registry.ask("POST", f"/v2/{name}/blobs/uploads/").headers["location"]


class TestBlobs:
    def test_a_pushed_blob_is_pulled(self, registry, name):
        content = os.urandom(3_000_000)
        digest = push_blob(registry, name, content)
        head = registry.ask("HEAD", f"/v2/{name}/blobs/{digest}")
        assert (head.status, head.headers["content-length"], head.body) == (200, "3000000", b"")
        got = registry.ask("GET", f"/v2/{name}/blobs/{digest}")
        assert got.headers["docker-content-digest"] == digest
        assert got.body == content

    def test_a_blob_may_come_in_one_request(self, registry, name):
        content = b"all at once"
        answer = registry.ask("POST", f"/v2/{name}/blobs/uploads/?digest={digest_of(content)}", content)
        assert answer.status == 201
        assert registry.ask("GET", answer.headers["location"]).body == content

    def test_the_last_piece_may_come_with_the_digest(self, registry, name):
        location = start(registry, name)
        registry.ask("PATCH", location, b"first ")
        assert registry.ask("PUT", f"{location}?digest={digest_of(b'first last')}", b"last").status == 201

    def test_ranges_of_a_blob_are_read(self, registry, name):
        digest = push_blob(registry, name, b"0123456789")

        def read(text):
            return registry.ask("GET", f"/v2/{name}/blobs/{digest}", headers={"range": text})

        assert (read("bytes=2-4").status, read("bytes=2-4").body) == (206, b"234")
        assert read("bytes=2-4").headers["content-range"] == "bytes 2-4/10"
        assert read("bytes=7-").body == b"789"
        assert read("bytes=-3").body == b"789"
        assert read("bytes=8-99").body == b"89"
        assert (read("bytes=10-").status, read("bytes=10-").error) == (416, "RANGE_INVALID")
        assert read("lines=1-2").body == b"0123456789"

    def test_a_blob_is_read_no_further_than_its_reader_listens(self, registry, name):
        def hang_up():
            yield b""
            raise Cut

        size = 20_000_000
        digest = push_blob(registry, name, os.urandom(size))
        assert len(registry.ask("GET", f"/v2/{name}/blobs/{digest}", hang_up()).body) < size

    def test_an_empty_blob_is_a_blob(self, registry, name):
        digest = push_blob(registry, name, b"")
        assert registry.ask("GET", f"/v2/{name}/blobs/{digest}").body == b""
        assert registry.ask("GET", f"/v2/{name}/blobs/{digest}", headers={"range": "bytes=0-"}).status == 416

    def test_a_wrong_digest_stores_nothing(self, registry, name):
        content, wrong = os.urandom(64), digest_of(os.urandom(8))
        location = start(registry, name)
        registry.ask("PATCH", location, content)
        answer = registry.ask("PUT", f"{location}?digest={wrong}")
        assert (answer.status, answer.error) == (400, "DIGEST_INVALID")
        assert not blob_path(wrong).exists()
        assert not blob_path(digest_of(content)).exists()
        assert registry.ask("HEAD", f"/v2/{name}/blobs/{wrong}").status == 404
        assert registry.ask("GET", location).error == "BLOB_UPLOAD_UNKNOWN"
        assert not upload_path(location.rpartition("/")[2]).exists()

    @pytest.mark.parametrize("digest", ["", "sha256:12", "md5:" + "a" * 32, "sha256:" + "A" * 64, "../../x"])
    def test_what_is_no_digest_finishes_no_upload(self, registry, name, digest):
        location = start(registry, name)
        assert registry.ask("PUT", f"{location}?digest={digest}", b"x").error == "DIGEST_INVALID"
        assert registry.ask("GET", location).status == 204

    def test_a_cut_upload_is_resumed_where_it_was_cut(self, registry, name):
        content = os.urandom(2_500_000)

        def cut():
            for at in range(0, 1_700_000, 65536):
                yield content[at : at + 65536]
            raise Cut

        location = start(registry, name)
        registry.ask("PATCH", location, cut())
        progress = registry.ask("GET", location)
        size = int(progress.headers["range"].partition("-")[2]) + 1
        assert 1_700_000 <= size < len(content)
        last = {"content-range": f"{size}-{len(content) - 1}"}
        assert registry.ask("PATCH", location, content[size:], last).status == 202
        assert registry.ask("PUT", f"{location}?digest={digest_of(content)}").status == 201
        assert registry.ask("GET", f"/v2/{name}/blobs/{digest_of(content)}").body == content

    def test_a_process_that_never_saw_the_upload_finishes_it(self, registry, name):
        content = os.urandom(1_200_000)
        location = start(registry, name)
        registry.ask("PATCH", location, content[:500_000])
        _hashes.clear()
        registry.ask("PATCH", location, content[500_000:])
        _hashes.clear()
        assert registry.ask("PUT", f"{location}?digest={digest_of(content)}").status == 201

    def test_another_process_that_wrote_between_is_seen(self, registry, name):
        location = start(registry, name)
        registry.ask("PATCH", location, b"one ")
        path = upload_path(location.rpartition("/")[2])
        command = f"open({str(path)!r}, 'ab').write(b'two ')"
        subprocess.run([sys.executable, "-c", command], check=True)
        registry.ask("PATCH", location, b"three")
        assert registry.ask("PUT", f"{location}?digest={digest_of(b'one two three')}").status == 201

    @pytest.mark.parametrize("text", ["0-4", "4-8", "6-9", "9-6", "five-six", "-1-3", "5", "5-", "bytes 4-5/10"])
    def test_a_piece_out_of_place_is_refused_and_said_where_to_go_on(self, registry, name, text):
        location = start(registry, name)
        registry.ask("PATCH", location, b"01234")
        answer = registry.ask("PATCH", location, b"xxxxx", {"content-range": text})
        assert (answer.status, answer.error) == (416, "RANGE_INVALID")
        assert (answer.headers["range"], answer.headers["location"]) == ("0-4", location)
        assert registry.ask("PUT", f"{location}?digest={digest_of(b'01234')}").status == 201

    def test_a_piece_of_another_length_than_said_is_taken_back(self, registry, name):
        location = start(registry, name)
        registry.ask("PATCH", location, b"01234")
        answer = registry.ask("PATCH", location, b"567", {"content-range": "5-9"})
        assert (answer.status, answer.error) == (400, "SIZE_INVALID")
        assert registry.ask("PUT", f"{location}?digest={digest_of(b'01234')}").status == 201

    @pytest.mark.parametrize("seed", range(5))
    def test_however_an_upload_is_cut_it_ends_whole(self, registry, name, seed):
        chance = random.Random(seed)
        content = chance.randbytes(chance.randrange(1, 300_000))
        location = start(registry, name)

        def some(size):
            end = chance.randrange(size, len(content) + 1)
            while size < end:
                step = chance.randrange(1, 70_000)
                yield content[size : min(size + step, end)]
                size += step
            if chance.random() < 0.5:
                raise Cut

        for _ in range(20):
            progress = registry.ask("GET", location)
            size = upload_path(location.rpartition("/")[2]).stat().st_size
            assert progress.headers["range"] == f"0-{max(size - 1, 0)}"
            if chance.random() < 0.3:
                answer = registry.ask("PATCH", location, b"junk", {"content-range": f"{size + 1}-{size + 4}"})
                assert answer.status == 416
            registry.ask("PATCH", location, some(size))
            if chance.random() < 0.3:
                _hashes.clear()
        size = upload_path(location.rpartition("/")[2]).stat().st_size
        assert registry.ask("PUT", f"{location}?digest={digest_of(content)}", content[size:]).status == 201
        assert registry.ask("GET", f"/v2/{name}/blobs/{digest_of(content)}").body == content

    def test_an_upload_given_up_is_gone(self, registry, name):
        location = start(registry, name)
        assert registry.ask("DELETE", location).status == 204
        assert registry.ask("PATCH", location, b"x").error == "BLOB_UPLOAD_UNKNOWN"
        assert registry.ask("PATCH", f"/v2/{name}/blobs/uploads/not-an-id", b"x").error == "BLOB_UPLOAD_UNKNOWN"

    def test_an_upload_belongs_to_its_repository(self, registry, name, aws, account):
        aws("ecr").create_repository(repositoryName="other")
        location = start(registry, name).replace("/app/", "/other/")
        assert registry.ask("PATCH", location, b"x").error == "BLOB_UPLOAD_UNKNOWN"

    def test_a_blob_is_mounted_from_another_repository(self, registry, name, aws, account):
        digest = push_blob(registry, name, b"shared")
        aws("ecr").create_repository(repositoryName="other")
        other = f"{account.account_id}/other"
        assert registry.ask("GET", f"/v2/{other}/blobs/{digest}").status == 404
        mounted = registry.ask("POST", f"/v2/{other}/blobs/uploads/?mount={digest}&from={name}")
        assert mounted.status == 201
        assert registry.ask("GET", mounted.headers["location"]).body == b"shared"
        unknown = digest_of(b"never pushed")
        assert registry.ask("POST", f"/v2/{other}/blobs/uploads/?mount={unknown}&from={name}").status == 202

    def test_a_deleted_blob_is_gone_unless_an_image_needs_it(self, registry, name):
        loose, content = push_blob(registry, name, b"loose"), layer(file=b"x")
        push_image(registry, name, "1", content)
        assert registry.ask("DELETE", f"/v2/{name}/blobs/{loose}").status == 202
        assert registry.ask("GET", f"/v2/{name}/blobs/{loose}").error == "BLOB_UNKNOWN"
        assert registry.ask("DELETE", f"/v2/{name}/blobs/{digest_of(content)}").status == 405

    def test_garbage_is_collected_when_it_is_old(self, registry, name, account):
        needed = layer(needed=b"x")
        push_image(registry, name, "1", needed)
        loose = push_blob(registry, name, os.urandom(32))
        cut = start(registry, name)
        registry.ask("PATCH", cut, b"half")
        mine = Layer.objects.filter(repository__account_id=account.account_id)
        collect(SYSTEM_CLOCK.now())
        assert mine.count() == 3
        later = SYSTEM_CLOCK.now() + timedelta(hours=25)
        collect(later)
        assert set(mine.values_list("digest", flat=True)) == {digest_of(needed), digest_of(config(needed))}
        assert blob_path(digest_of(needed)).exists()
        assert not blob_path(loose).exists()
        assert not upload_path(cut.rpartition("/")[2]).exists()
        assert not LayerUpload.objects.filter(repository__account_id=account.account_id).exists()


class TestManifests:
    def test_a_manifest_is_given_back_byte_for_byte_with_its_type(self, registry, name):
        content = layer(file=b"x")
        configuration = config(content)
        push_blob(registry, name, content)
        push_blob(registry, name, configuration)
        for media_type in (DOCKER_MANIFEST, OCI_MANIFEST):
            body = manifest(configuration, content, media_type=media_type)
            digest = push_manifest(registry, name, "1", body, media_type)
            for reference in ("1", digest):
                got = registry.ask("GET", f"/v2/{name}/manifests/{reference}")
                assert (got.body, got.headers["content-type"]) == (body, media_type)
                assert got.headers["docker-content-digest"] == digest
                head = registry.ask("HEAD", f"/v2/{name}/manifests/{reference}")
                assert (head.status, head.body, int(head.headers["content-length"])) == (200, b"", len(body))

    def test_a_manifest_needs_its_blobs(self, registry, name):
        answer = registry.ask("PUT", f"/v2/{name}/manifests/1", manifest(b"{}", b"never pushed"))
        assert (answer.status, answer.error) == (400, "MANIFEST_BLOB_UNKNOWN")
        assert registry.ask("GET", f"/v2/{name}/manifests/1").error == "MANIFEST_UNKNOWN"

    def test_a_foreign_layer_need_not_be_there(self, registry, name):
        push_blob(registry, name, b"{}")
        foreign = {"mediaType": "l", "size": 1, "digest": digest_of(b"far"), "urls": ["https://example.com/layer"]}
        push_manifest(registry, name, "1", manifest(b"{}", layers=[foreign]))

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b'"x"',
            b'{"schemaVersion": 1}',
            b'{"schemaVersion": 2}',
            b'{"schemaVersion": 2, "config": {"digest": "x", "size": 1}, "layers": []}',
            manifest(b"{}", layers="none"),
            manifest(b"{}", layers=[1]),
            manifest(b"{}", media_type="text/plain"),
            manifest(b"{}", subject="x"),
            b"\xff\xfe",
        ],
    )
    def test_what_is_no_manifest_is_refused(self, registry, name, body):
        answer = registry.ask("PUT", f"/v2/{name}/manifests/1", body)
        assert (answer.status, answer.error) == (400, "MANIFEST_INVALID")

    def test_a_manifest_is_at_most_4_mib(self, registry, name):
        answer = registry.ask("PUT", f"/v2/{name}/manifests/1", b" " * (4 * 1024 * 1024 + 1))
        assert (answer.status, answer.error) == (413, "MANIFEST_INVALID")

    def test_a_manifest_put_by_digest_must_have_it(self, registry, name):
        push_blob(registry, name, b"{}")
        body = manifest(b"{}")
        assert registry.ask("PUT", f"/v2/{name}/manifests/{digest_of(b'')}", body).error == "DIGEST_INVALID"
        assert registry.ask("PUT", f"/v2/{name}/manifests/{digest_of(body)}", body).status == 201
        assert registry.ask("GET", f"/v2/{name}/tags/list").json()["tags"] == []

    def test_an_index_needs_its_manifests(self, registry, name):
        digest = push_image(registry, name, "amd64", layer(file=b"x"))
        entry = {"mediaType": DOCKER_MANIFEST, "size": 1, "digest": digest}
        index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}).encode()
        push_manifest(registry, name, "all", index, OCI_INDEX)
        refused = registry.ask("DELETE", f"/v2/{name}/manifests/{digest}")
        assert (refused.status, refused.error) == (405, "UNSUPPORTED")
        missing = index.replace(digest.encode(), digest_of(b"never pushed").encode())
        answer = registry.ask("PUT", f"/v2/{name}/manifests/bad", missing, {"content-type": OCI_INDEX})
        assert answer.error == "MANIFEST_BLOB_UNKNOWN"

    def test_tags_are_moved_deleted_and_listed_in_pages(self, registry, name):
        first, second = (push_image(registry, name, "a", layer(file=content)) for content in (b"1", b"2"))
        assert registry.ask("HEAD", f"/v2/{name}/manifests/a").headers["docker-content-digest"] == second
        assert registry.ask("HEAD", f"/v2/{name}/manifests/{first}").status == 200
        body = registry.ask("GET", f"/v2/{name}/manifests/a").body
        for tag in ("b", "c", "d", "e"):
            push_manifest(registry, name, tag, body)
        pages, target = [], f"/v2/{name}/tags/list?n=2"
        while target:
            answer = registry.ask("GET", target)
            pages.append(answer.json()["tags"])
            target = answer.headers.get("link", "").partition(">")[0].removeprefix("<")
        assert pages == [["a", "b"], ["c", "d"], ["e"]]
        assert registry.ask("GET", f"/v2/{name}/tags/list?n=x").error == "PAGINATION_NUMBER_INVALID"
        assert registry.ask("DELETE", f"/v2/{name}/manifests/a").status == 202
        assert registry.ask("GET", f"/v2/{name}/manifests/a").status == 404
        assert registry.ask("DELETE", f"/v2/{name}/manifests/{second}").status == 202
        assert registry.ask("GET", f"/v2/{name}/tags/list").json() == {"name": name, "tags": []}

    def test_an_immutable_tag_does_not_move(self, registry, name, aws):
        aws("ecr").put_image_tag_mutability(repositoryName="app", imageTagMutability="IMMUTABLE")
        first = layer(file=b"1")
        push_image(registry, name, "1", first)
        body = registry.ask("GET", f"/v2/{name}/manifests/1").body
        push_manifest(registry, name, "1", body)
        other = layer(file=b"2")
        for content in (other, config(other)):
            push_blob(registry, name, content)
        answer = registry.ask("PUT", f"/v2/{name}/manifests/1", manifest(config(other), other))
        assert (answer.status, answer.error) == (400, "TAG_INVALID")
        assert "cannot be overwritten because the tag is immutable" in answer.message

    def test_referrers_are_those_whose_subject_it_is(self, registry, name):
        digest = push_image(registry, name, "1", layer(file=b"x"))
        subject = {"mediaType": DOCKER_MANIFEST, "size": 1, "digest": digest}
        push_blob(registry, name, b"{}")
        body = manifest(
            b"{}", media_type=OCI_MANIFEST, subject=subject, artifactType="text/sbom", annotations={"by": "me"}
        )
        put = registry.ask("PUT", f"/v2/{name}/manifests/{digest_of(body)}", body, {"content-type": OCI_MANIFEST})
        assert put.headers["oci-subject"] == digest
        answer = registry.ask("GET", f"/v2/{name}/referrers/{digest}")
        assert answer.headers["content-type"] == OCI_INDEX
        [referrer] = answer.json()["manifests"]
        assert (referrer["digest"], referrer["artifactType"]) == (digest_of(body), "text/sbom")
        assert (referrer["size"], referrer["annotations"]) == (len(body), {"by": "me"})
        other = registry.ask("GET", f"/v2/{name}/referrers/{digest}?artifactType=other")
        assert (other.json()["manifests"], other.headers["oci-filters-applied"]) == ([], "artifactType")


class TestNamesAndAccess:
    def test_a_repository_that_is_not_there_is_said_so(self, registry, account):
        answer = registry.ask("POST", f"/v2/{account.account_id}/nothing/blobs/uploads/")
        assert (answer.status, answer.error) == (404, "NAME_UNKNOWN")
        assert answer.message == (
            f"The repository with name 'nothing' does not exist in the registry with id '{account.account_id}'"
        )

    def test_the_host_may_carry_account_and_region(self, gateway, registry, name, account, aws):
        digest = push_image(registry, name, "1", layer(file=b"x"))
        for domain in ("localhost:4599", "amazonaws.com"):
            by_host = Client(gateway, host=f"{account.account_id}.dkr.ecr.us-east-1.{domain}")
            head = by_host.ask("HEAD", "/v2/app/manifests/1")
            assert head.headers["docker-content-digest"] == digest
            assert by_host.ask("GET", "/v2/_catalog").json() == {"repositories": ["app"]}
        elsewhere = Client(gateway, host=f"{account.account_id}.dkr.ecr.eu-west-1.localhost:4599")
        assert elsewhere.ask("HEAD", "/v2/app/manifests/1").status == 404

    def test_the_catalog_of_who_logged_in_is_spelled_by_path(self, registry, account, aws):
        for name in ("aa", "bb/c", "dd"):
            aws("ecr").create_repository(repositoryName=name)
        registry.headers = login(account.account_id)
        first = registry.ask("GET", "/v2/_catalog?n=2")
        assert first.json() == {"repositories": [f"{account.account_id}/aa", f"{account.account_id}/bb/c"]}
        target = first.headers["link"].partition(">")[0].removeprefix("<")
        assert registry.ask("GET", target).json() == {"repositories": [f"{account.account_id}/dd"]}

    def test_from_elsewhere_than_loopback_one_logs_in(self, gateway, name, account):
        task = Client(gateway, client_host="198.19.0.7")
        refused = task.ask("GET", "/v2/")
        assert (refused.status, refused.error) == (401, "UNAUTHORIZED")
        assert refused.headers["www-authenticate"].startswith('Basic realm="http://localhost:4599/"')
        assert task.ask("POST", f"/v2/{name}/blobs/uploads/").status == 401
        task.headers = login(account.account_id)
        assert task.ask("GET", "/v2/").status == 200
        push_image(task, name, "1", layer(file=b"x"))

    def test_on_a_strict_instance_loopback_logs_in_too(self, registry, settings):
        settings.SIMFRA_AUTH = "strict"
        assert registry.ask("GET", "/v2/").status == 401

    def test_a_login_is_checked_even_where_none_is_asked(self, registry):
        for credentials in ("AWS:wrong", "AWS", "", "root:wrong"):
            encoded = base64.b64encode(credentials.encode()).decode()
            assert registry.ask("GET", "/v2/", headers={"authorization": f"Basic {encoded}"}).status == 401
        assert registry.ask("GET", "/v2/", headers={"authorization": "Basic %%%"}).status == 401
        assert registry.ask("GET", "/v2/", headers={"authorization": "Bearer x"}).status == 401

    def test_a_login_ends_after_twelve_hours(self, registry, account):
        long_ago = SYSTEM_CLOCK.now() - timedelta(hours=12)
        answer = registry.ask("GET", "/v2/", headers=login(account.account_id, long_ago))
        assert (answer.status, answer.error) == (403, "DENIED")
        assert answer.message == "Your authorization token has expired. Reauthenticate and try again."

    def test_a_login_is_for_its_own_account(self, registry, name):
        answer = registry.ask("GET", f"/v2/{name}/tags/list", headers=login("999999999999"))
        assert (answer.status, answer.error) == (403, "DENIED")

    def test_a_mount_needs_access_to_both_accounts(self, registry, name, account):
        digest = digest_of(b"x")
        target = f"/v2/{name}/blobs/uploads/?mount={digest}&from=999999999999/theirs"
        assert registry.ask("POST", target, headers=login(account.account_id)).status == 403

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/v2/nothing", 404),
            ("GET", "/v2/UPPER/tags/list", 400),
            ("GET", "/v2/../../etc/passwd/blobs/x", 400),
            ("POST", "/v2/a/tags/list", 405),
            ("GET", "/v2/_layers/forged", 403),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, registry, method, path, status):
        assert registry.ask(method, path).status == status


def test_a_layers_url_needs_no_login(gateway, registry, name, aws):
    content = layer(file=b"x")
    push_blob(registry, name, content)
    url = aws("ecr").get_download_url_for_layer(repositoryName="app", layerDigest=digest_of(content))["downloadUrl"]
    anybody = Client(gateway, client_host="203.0.113.1")
    got = anybody.ask("GET", urlsplit(url).path)
    assert got.body == content
    assert anybody.ask("GET", urlsplit(url).path, headers={"range": "bytes=0-1"}).body == content[:2]


def test_the_bytes_are_below_the_data_directory(registry, name, settings):
    digest = push_blob(registry, name, os.urandom(16))
    assert blob_path(digest).is_relative_to(Path(settings.SIMFRA_DATA_DIR) / "registry")
