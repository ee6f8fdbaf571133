"""The three spellings of a name are one repository, and nobody else's names are ours."""

import pytest

from aws_api.services.ecr.archive import loaded_name
from aws_api.services.ecr.names import Registry, RepositoryName

REGISTRY = Registry(port=4599, account_id="000000000000", region="us-east-1")
DIGEST = "sha256:" + "a" * 64
ORDERS = RepositoryName(account_id="123456789012", region="us-east-1", name="team/orders")


@pytest.mark.parametrize(
    "host_and_path",
    [
        "localhost:4599/123456789012/team/orders",
        "127.0.0.1:4599/123456789012/team/orders",
        "123456789012.dkr.ecr.us-east-1.localhost:4599/team/orders",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/orders",
    ],
)
@pytest.mark.parametrize(
    ("suffix", "wanted"),
    [("", "latest"), (":1.2", "1.2"), (f"@{DIGEST}", DIGEST), (f":1.2@{DIGEST}", DIGEST)],
)
def test_the_spellings_are_one_repository(host_and_path, suffix, wanted):
    reference = REGISTRY.parse(host_and_path + suffix)
    assert reference is not None
    assert (reference.repository, reference.wanted) == (ORDERS, wanted)


def test_the_region_is_in_the_host_or_the_default():
    parsed = REGISTRY.parse("123456789012.dkr.ecr.eu-west-1.amazonaws.com/orders")
    assert parsed is not None
    assert parsed.repository.region == "eu-west-1"


def test_a_path_without_an_account_means_the_default_account():
    parsed = REGISTRY.parse("localhost:4599/team/orders:1")
    assert parsed is not None
    assert (parsed.repository.account_id, parsed.repository.name) == ("000000000000", "team/orders")


@pytest.mark.parametrize(
    "reference",
    [
        "busybox",
        "library/busybox:1",
        "docker.io/library/busybox",
        "public.ecr.aws/docker/library/busybox",
        "localhost:5000/123456789012/orders",
        "localhost/orders",
        "example.com:4599/orders",
        "123456789012.dkr.ecr.us-east-1.example.com/orders",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com:4599/orders",
        "12345.dkr.ecr.us-east-1.amazonaws.com/orders",
        "localhost:4599/Orders",
        "localhost:4599/orders:",
        "localhost:4599/orders@sha256:short",
        "localhost:4599/" + "a" * 257,
        "localhost:4599/../etc",
        "",
        "/",
    ],
)
def test_other_names_are_not_ours(reference):
    assert REGISTRY.parse(reference) is None


def test_the_uri_is_a_spelling_of_the_repository():
    for region in ("us-east-1", "eu-west-1"):
        repository = RepositoryName(account_id="123456789012", region=region, name="team/orders")
        parsed = REGISTRY.parse(REGISTRY.uri(repository))
        assert parsed is not None
        assert parsed.repository == repository


@pytest.mark.parametrize(
    ("reference", "loaded"),
    [
        ("localhost:4599/orders", "localhost:4599/orders:latest"),
        ("localhost:4599/orders:1", "localhost:4599/orders:1"),
        (f"localhost:4599/orders:1@{DIGEST}", "localhost:4599/orders:1"),
        (f"localhost:4599/orders@{DIGEST}", f"localhost:4599/orders:sha256-{'a' * 64}"),
    ],
)
def test_an_image_is_loaded_under_a_name_with_a_tag(reference, loaded):
    assert loaded_name(reference) == loaded
