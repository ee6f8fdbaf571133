"""Images of other registries: copied when they are pulled, kept when those are gone, with logins and patience."""

import json
import os
import platform
from collections.abc import Iterator
from typing import Any

import pytest

from aws_api.core.containers import PullProgress
from aws_api.core.images import ImageNotFound, image_mirror, image_source
from aws_api.services.ecr.models import ImageTag
from aws_api.services.ecr.upstream import Upstream, UpstreamError
from tests.services.ecr.registry import digest_of
from tests.services.ecr.test_ecr import refused
from tests.services.ecr.upstream import UpstreamRegistry, serve_upstream, some_layer

HERE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]


@pytest.fixture
def upstream() -> Iterator[UpstreamRegistry]:
    with serve_upstream() as registry:
        yield registry


@pytest.fixture
def ecr(aws: Any) -> Any:
    return aws("ecr")


@pytest.fixture
def rule(ecr: Any, upstream: UpstreamRegistry) -> dict[str, Any]:
    answer: dict[str, Any] = ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="theirs", upstreamRegistryUrl=upstream.host
    )
    return answer


def pull(registry: Any, name: str, reference: str) -> Any:
    return registry.ask("GET", f"/v2/{name}/manifests/{reference}")


def ignored(_: object) -> None:
    """Progress that nobody looks at."""


class TestRules:
    def test_a_rule_is_created_described_updated_validated_and_deleted(
        self, ecr: Any, rule: dict[str, Any], upstream: UpstreamRegistry, account: Any
    ) -> None:
        assert rule["upstreamRegistryUrl"] == upstream.host
        assert rule["registryId"] == account.account_id
        (described,) = ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"]
        assert described["ecrRepositoryPrefix"] == "theirs"
        assert ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="theirs")["isValid"]
        secret = "arn:aws:secretsmanager:us-east-1:111122223333:secret:ecr-pullthroughcache/none"
        assert (
            ecr.update_pull_through_cache_rule(ecrRepositoryPrefix="theirs", credentialArn=secret)["credentialArn"]
            == secret
        )
        ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="theirs")
        refused(
            "PullThroughCacheRuleNotFoundException",
            ecr.describe_pull_through_cache_rules,
            ecrRepositoryPrefixes=["theirs"],
        )

    def test_a_prefix_has_one_rule(self, ecr: Any, rule: dict[str, Any], upstream: UpstreamRegistry) -> None:
        refused(
            "PullThroughCacheRuleAlreadyExistsException",
            ecr.create_pull_through_cache_rule,
            ecrRepositoryPrefix="theirs",
            upstreamRegistryUrl=upstream.host,
        )

    def test_a_login_is_read_from_the_rules_secret(
        self, ecr: Any, aws: Any, registry: Any, account: Any, upstream: UpstreamRegistry
    ) -> None:
        upstream.login = ("me", "secret")
        upstream.put_image("app", "1", some_layer())
        secret = aws("secretsmanager").create_secret(
            Name="ecr-pullthroughcache/theirs", SecretString=json.dumps({"username": "me", "accessToken": "secret"})
        )["ARN"]
        ecr.create_pull_through_cache_rule(
            ecrRepositoryPrefix="theirs", upstreamRegistryUrl=upstream.host, credentialArn=secret
        )
        assert ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="theirs")["isValid"]
        assert pull(registry, f"{account.account_id}/theirs/app", "1").status == 200
        aws("secretsmanager").put_secret_value(
            SecretId=secret, SecretString=json.dumps({"username": "me", "accessToken": "wrong"})
        )
        answer = ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="theirs")
        assert not answer["isValid"]
        assert "incorrect login" in answer["failure"]


class TestCaches:
    def test_an_image_is_copied_when_it_is_pulled_and_not_again_that_day(
        self, ecr: Any, rule: dict[str, Any], registry: Any, account: Any, upstream: UpstreamRegistry
    ) -> None:
        digest = upstream.put_image("team/app", "1", some_layer())
        name = f"{account.account_id}/theirs/team/app"
        answer = pull(registry, name, "1")
        assert (answer.status, digest_of(answer.body)) == (200, digest)
        asked = len(upstream.asked)
        assert pull(registry, name, "1").status == 200
        assert len(upstream.asked) == asked
        (image,) = ecr.describe_images(repositoryName="theirs/team/app")["imageDetails"]
        assert (image["imageDigest"], image["imageTags"]) == (digest, ["1"])
        for blob in json.loads(answer.body)["layers"]:
            assert registry.ask("GET", f"/v2/{name}/blobs/{blob['digest']}").body == upstream.blobs[blob["digest"]]

    def test_a_moved_tag_is_seen_after_a_day_and_the_copy_serves_while_its_origin_is_away(
        self, rule: dict[str, Any], registry: Any, account: Any, upstream: UpstreamRegistry
    ) -> None:
        first = upstream.put_image("app", "1", some_layer(b"one"))
        name = f"{account.account_id}/theirs/app"
        pull(registry, name, "1")
        second = upstream.put_image("app", "1", some_layer(b"two"))
        assert digest_of(pull(registry, name, "1").body) == first
        tag = ImageTag.objects.get(repository__account_id=account.account_id, name="1")
        ImageTag.objects.filter(pk=tag.pk).update(checked_at=tag.repository.created_at.replace(year=2020))
        assert digest_of(pull(registry, name, "1").body) == second
        ImageTag.objects.filter(pk=tag.pk).update(checked_at=tag.repository.created_at)
        upstream.manifests.clear()
        assert digest_of(pull(registry, name, "1").body) == second

    def test_of_a_list_this_machines_image_alone_is_copied(
        self, rule: dict[str, Any], registry: Any, account: Any, upstream: UpstreamRegistry
    ) -> None:
        mine = upstream.put_image("app", "mine", some_layer(b"mine"), architecture=HERE)
        other = upstream.put_image("app", "other", some_layer(b"other"), architecture="s390x")
        index = upstream.put_index("app", "1", **{HERE: mine, "s390x": other})
        name = f"{account.account_id}/theirs/app"
        assert digest_of(pull(registry, name, "1").body) == index
        assert f"/v2/app/manifests/{other}" not in upstream.asked
        image = f"localhost:4599/{name}:1"
        source = image_source(image)
        assert source is not None
        assert source.digest(image) == index

    def test_what_its_registry_lacks_makes_no_repository(
        self, ecr: Any, rule: dict[str, Any], registry: Any, account: Any
    ) -> None:
        assert pull(registry, f"{account.account_id}/theirs/nothing", "1").error == "MANIFEST_UNKNOWN"
        assert ecr.describe_repositories()["repositories"] == []

    def test_a_copys_repository_is_made_by_its_template(
        self, ecr: Any, rule: dict[str, Any], registry: Any, account: Any, upstream: UpstreamRegistry
    ) -> None:
        ecr.create_repository_creation_template(
            prefix="theirs",
            appliedFor=["PULL_THROUGH_CACHE"],
            imageTagMutability="IMMUTABLE",
            resourceTags=[{"Key": "from", "Value": "elsewhere"}],
        )
        upstream.put_image("app", "1", some_layer())
        pull(registry, f"{account.account_id}/theirs/app", "1")
        (repository,) = ecr.describe_repositories()["repositories"]
        assert repository["imageTagMutability"] == "IMMUTABLE"
        tags = ecr.list_tags_for_resource(resourceArn=repository["repositoryArn"])["tags"]
        assert tags == [{"Key": "from", "Value": "elsewhere"}]

    def test_a_task_gets_a_cached_image_that_was_never_pulled(
        self, rule: dict[str, Any], account: Any, upstream: UpstreamRegistry
    ) -> None:
        digest = upstream.put_image("app", "1", some_layer())
        image = f"localhost:4599/{account.account_id}/theirs/app:1"
        source = image_source(image)
        assert source is not None
        assert source.digest(image) == ""
        source.refresh(image, ignored)
        assert source.digest(image) == digest
        assert source.archive(image).digest == digest
        with pytest.raises(ImageNotFound, match="404"):
            source.refresh(f"localhost:4599/{account.account_id}/theirs/other:1", ignored)


class TestUpstream:
    def test_a_registry_that_is_asked_too_often_is_asked_again_and_not_for_ever(
        self, upstream: UpstreamRegistry
    ) -> None:
        upstream.put_image("app", "1", some_layer())
        upstream.busy_for = 2
        Upstream(host=upstream.host).manifest("app", "1")
        upstream.busy_for = 100
        with pytest.raises(UpstreamError, match="slow down"):
            Upstream(host=upstream.host).manifest("app", "1")
        assert upstream.busy_for == 95

    def test_bytes_that_are_not_what_they_should_be_are_not_kept(
        self, rule: dict[str, Any], registry: Any, account: Any, upstream: UpstreamRegistry
    ) -> None:
        content = some_layer()
        upstream.put_image("app", "1", content)
        upstream.blobs[digest_of(content)] = b"something else"
        name = f"{account.account_id}/theirs/app"
        assert pull(registry, name, "1").status == 503
        assert registry.ask("GET", f"/v2/{name}/blobs/{digest_of(content)}").status == 404


class TestMirror:
    def test_a_public_image_is_copied_with_progress_and_loaded_when_its_registry_is_gone(
        self, ecr: Any, upstream: UpstreamRegistry
    ) -> None:
        name = f"mirrored-{os.urandom(4).hex()}"
        digest = upstream.put_image(name, "1", some_layer(os.urandom(100)))
        image = f"{upstream.host}/{name}:1"
        told: list[PullProgress] = []
        mirror = image_mirror()
        assert mirror is not None
        assert mirror.copy(image, told.append) == digest
        assert {progress.done_bytes == progress.total_bytes for progress in told} == {True}
        upstream.manifests.clear()
        with pytest.raises(ImageNotFound):
            mirror.copy(image, ignored)
        archive = mirror.archive(image)
        assert (archive.name, archive.digest) == (image, digest)
        assert sum(map(len, archive.chunks)) == archive.size_bytes
        assert ecr.describe_repositories()["repositories"] == []
