"""What lifecycle policies are, what they expire, and that they do."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_api.services.ecr.expiry import expire_images
from aws_api.services.ecr.lifecycle import BadPolicy, Candidate, expiries, read_policy
from aws_api.services.ecr.models import Image
from tests.services.ecr.registry import OCI_INDEX, config, layer, manifest, push_blob, push_image, push_manifest
from tests.services.ecr.test_ecr import refused

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def rule(priority: int, status: str, count: int, unit: str | None = None, **selection: Any) -> dict[str, Any]:
    """A rule; with a unit it is about ages, else about how many."""
    counted = {"countType": "sinceImagePushed", "countUnit": unit} if unit else {"countType": "imageCountMoreThan"}
    selected = {"tagStatus": status, "countNumber": count, **counted, **selection}
    return {"rulePriority": priority, "selection": selected, "action": {"type": "expire"}}


def policy(*rules: dict[str, Any]) -> str:
    return json.dumps({"rules": rules})


def image(name: str, *tags: str, days: int = 0, is_listed: bool = False) -> Candidate:
    return Candidate(digest=name, tags=tags, pushed_at=NOW - timedelta(days=days), is_listed=is_listed)


def expired(text: str, *images: Candidate) -> dict[str, int]:
    return {found.digest: found.priority for found in expiries(read_policy(text), images, NOW)}


class TestRules:
    def test_the_oldest_beyond_a_count_go(self) -> None:
        images = [image(str(days), days=days) for days in (3, 1, 2)]
        assert expired(policy(rule(1, "any", 2)), *images) == {"3": 1}

    def test_those_older_than_an_age_go(self) -> None:
        images = [image("young", days=13), image("old", days=15)]
        assert expired(policy(rule(1, "untagged", 14, "days")), *images) == {"old": 1}

    def test_every_prefix_must_fit_a_tag(self) -> None:
        images = [image("both", "alpha1", "beta2"), image("one", "alpha3"), image("none")]
        text = policy(rule(1, "tagged", 1, "days", tagPrefixList=["alpha", "beta"]))
        assert expired(text, *(Candidate(**{**vars(each), "pushed_at": NOW - timedelta(9)}) for each in images)) == {
            "both": 1
        }

    def test_patterns_have_stars_and_prefixes_have_none(self) -> None:
        images = [image("a", "prod-web-1", days=9), image("b", "prod-*", days=9)]
        assert expired(policy(rule(1, "tagged", 1, "days", tagPatternList=["prod*1"])), *images) == {"a": 1}
        assert expired(policy(rule(1, "tagged", 1, "days", tagPrefixList=["prod-*"])), *images) == {"b": 1}

    def test_what_an_earlier_rule_selects_no_later_one_expires(self) -> None:
        images = [image("new", "prod1", days=1), image("old", "prod2", days=2), image("other", days=3)]
        text = policy(rule(1, "tagged", 1, tagPrefixList=["prod"]), rule(2, "any", 1))
        assert expired(text, *images) == {"old": 1, "other": 2}

    def test_an_image_in_a_list_stays(self) -> None:
        assert expired(policy(rule(1, "any", 1, "days")), image("part", days=9, is_listed=True)) == {}

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("{", "not JSON"),
            (policy(), "from 1 to"),
            (policy(rule(1, "any", 0)), "countNumber"),
            (policy(rule(1, "some", 1)), "tagStatus"),
            (policy(rule(1, "tagged", 1)), "tagPrefixList"),
            (policy(rule(1, "untagged", 1, tagPrefixList=["a"])), "no tags"),
            (policy(rule(1, "any", 1, "weeks")), "countUnit"),
            (policy(rule(1, "any", 1), rule(2, "untagged", 1)), "highest rulePriority"),
            (policy(rule(1, "untagged", 1), rule(1, "any", 1)), "same rulePriority"),
            (policy(*(rule(n, "tagged", 1, tagPrefixList=["a"]) for n in (1, 2))), "same tags"),
        ],
    )
    def test_what_is_no_policy_is_refused_with_the_reason(self, text: str, why: str) -> None:
        with pytest.raises(BadPolicy, match=why):
            read_policy(text)

    @given(
        counts=st.lists(st.integers(1, 5), min_size=1, max_size=4),
        tagged=st.lists(st.sampled_from([(), ("a",), ("b",), ("a", "b")]), max_size=12),
    )
    def test_no_rule_leaves_fewer_than_it_counts_and_none_goes_twice(
        self, counts: list[int], tagged: list[tuple[str, ...]]
    ) -> None:
        prefixes = ["a", "b", "c", "d"]
        rules = [rule(n, "tagged", count, tagPrefixList=[prefixes[n - 1]]) for n, count in enumerate(counts, 1)]
        images = [image(str(number), *tags, days=number) for number, tags in enumerate(tagged)]
        gone = [found.digest for found in expiries(read_policy(policy(*rules)), images, NOW)]
        assert len(gone) == len(set(gone))
        first = [each for each in images if "a" in each.tags]
        assert len([each for each in first if each.digest not in gone]) >= min(counts[0], len(first))


class TestRepository:
    def test_a_preview_tells_what_the_chore_then_does(self, aws: Any, registry: Any, name: str) -> None:
        ecr = aws("ecr")
        digests = [push_image(registry, name, f"v{number}", layer(file=bytes([number]))) for number in range(3)]
        for age, digest in enumerate(reversed(digests)):
            Image.objects.filter(digest=digest).update(pushed_at=NOW - timedelta(days=age))
        text = policy(rule(1, "any", 1))
        refused("LifecyclePolicyNotFoundException", ecr.start_lifecycle_policy_preview, repositoryName="app")
        refused("LifecyclePolicyPreviewNotFoundException", ecr.get_lifecycle_policy_preview, repositoryName="app")
        ecr.start_lifecycle_policy_preview(repositoryName="app", lifecyclePolicyText=text)
        preview = ecr.get_lifecycle_policy_preview(repositoryName="app")
        assert preview["status"] == "COMPLETE"
        assert preview["summary"]["expiringImageTotalCount"] == 2
        results = [(result["imageTags"], result["appliedRulePriority"]) for result in preview["previewResults"]]
        assert results == [(["v1"], 1), (["v0"], 1)]
        expire_images(NOW)
        assert len(ecr.list_images(repositoryName="app")["imageIds"]) == 3, "it is a preview alone"
        ecr.put_lifecycle_policy(repositoryName="app", lifecyclePolicyText=text)
        expire_images(NOW)
        assert [one["imageTag"] for one in ecr.list_images(repositoryName="app")["imageIds"]] == ["v2"]

    def test_the_images_of_a_list_go_after_it(self, aws: Any, registry: Any, name: str) -> None:
        ecr = aws("ecr")
        content = layer(file=b"x")
        configuration = config(content)
        for blob in (configuration, content):
            push_blob(registry, name, blob)
        body = manifest(configuration, content)
        part = push_manifest(registry, name, "part", body)
        ecr.batch_delete_image(repositoryName="app", imageIds=[{"imageTag": "none"}])
        entries = [{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": part, "size": len(body)}]
        index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
        listed = push_manifest(registry, name, "all", index, OCI_INDEX)
        Image.objects.filter(digest=part).update(pushed_at=NOW - timedelta(days=30))
        ecr.put_lifecycle_policy(repositoryName="app", lifecyclePolicyText=policy(rule(1, "any", 14, "days")))
        expire_images(NOW)
        assert {one["imageDigest"] for one in ecr.list_images(repositoryName="app")["imageIds"]} == {part, listed}
        Image.objects.filter(digest=listed).update(pushed_at=NOW - timedelta(days=30))
        expire_images(NOW)
        expire_images(NOW)
        assert ecr.list_images(repositoryName="app")["imageIds"] == []
