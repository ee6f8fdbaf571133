"""Who may push and pull over the registry protocol: what the caller's policies and the owner's allow together."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from aws_api.core.ids import new_account_id
from aws_api.core.models import Account
from tests.services.ecr.registry import Client, digest_of, layer, push_image

CONTENT = layer(file=b"x")
PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
PUSH = ["ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage"]

Person = Callable[..., Client]


@pytest.fixture
def person(gateway: Any, aws: Callable[..., Any]) -> Person:
    """A registry client of somebody who may log in, and do these actions by their own policies."""

    def make(actions: list[str], owner: Account | None = None) -> Client:
        keys = {"key": owner.root_access_key_id, "secret": owner.root_secret_access_key} if owner else {}
        iam = aws("iam", **keys)
        iam.create_user(UserName="pat")
        statement = {"Effect": "Allow", "Action": ["ecr:GetAuthorizationToken", *actions], "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName="pat", PolicyName="images", PolicyDocument=document)
        key = iam.create_access_key(UserName="pat")["AccessKey"]
        ecr = aws("ecr", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
        token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        return Client(gateway, headers={"authorization": f"Basic {token}"})

    return make


@pytest.fixture
def theirs(database: None) -> Account:
    """Another account, whose people want the images of the test's."""
    return Account.objects.create(account_id=new_account_id())


@pytest.fixture
def image(registry: Client, name: str) -> str:
    """The path of an image that the owner pushed."""
    push_image(registry, name, "1", CONTENT)
    return f"/v2/{name}/manifests/1"


def policy(account_id: str, actions: list[str], resource: str | None = None) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account_id}:root"}, "Action": actions}
    whose = {"Resource": resource} if resource else {}
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "them", **statement, **whose}]})


def test_a_person_of_the_account_may_what_their_policies_say(person: Person, image: str, name: str) -> None:
    reader = person(PULL)
    assert reader.ask("GET", image).status == 200
    assert reader.ask("GET", f"/v2/{name}/blobs/{digest_of(CONTENT)}").body == CONTENT
    refused = reader.ask("POST", f"/v2/{name}/blobs/uploads/")
    assert (refused.status, refused.error) == (403, "DENIED")
    assert "is not authorized to perform: ecr:InitiateLayerUpload on resource: " in refused.message
    for method, path in (("DELETE", image), ("GET", f"/v2/{name}/tags/list"), ("GET", "/v2/_catalog")):
        assert reader.ask(method, path).status == 403


def test_another_account_needs_the_repositorys_policy_and_its_own(
    person: Person, image: str, name: str, aws: Callable[..., Any], theirs: Account
) -> None:
    pat = person([*PULL, *PUSH], theirs)
    assert (pat.ask("GET", image).status, pat.ask("GET", image).error) == (403, "DENIED")
    aws("ecr").set_repository_policy(repositoryName="app", policyText=policy(theirs.account_id, PULL))
    assert pat.ask("GET", image).status == 200
    assert pat.ask("GET", f"/v2/{name}/blobs/{digest_of(CONTENT)}").body == CONTENT
    assert pat.ask("POST", f"/v2/{name}/blobs/uploads/").status == 403
    aws("ecr").set_repository_policy(repositoryName="app", policyText=policy(theirs.account_id, PULL + PUSH))
    push_image(pat, name, "2", layer(other=b"y"))


def test_the_owners_policy_alone_is_not_enough_for_another_account(
    person: Person, image: str, aws: Callable[..., Any], theirs: Account
) -> None:
    aws("ecr").set_repository_policy(repositoryName="app", policyText=policy(theirs.account_id, PULL))
    assert person([], theirs).ask("GET", image).status == 403


def test_the_registrys_policy_holds_for_each_of_its_repositories(
    person: Person, image: str, name: str, aws: Callable[..., Any], theirs: Account
) -> None:
    pat = person(PULL, theirs)
    every = f"arn:aws:ecr:us-east-1:{name.partition('/')[0]}:repository/*"
    aws("ecr").put_registry_policy(policyText=policy(theirs.account_id, PULL[:1], every))
    assert pat.ask("GET", image).status == 200
    blob = f"/v2/{name}/blobs/{digest_of(CONTENT)}"
    assert pat.ask("GET", blob).status == 403
    aws("ecr").set_repository_policy(repositoryName="app", policyText=policy(theirs.account_id, PULL[1:]))
    assert (pat.ask("GET", image).status, pat.ask("GET", blob).status) == (200, 200)


def test_a_blob_is_mounted_only_from_where_it_may_be_read(
    person: Person, image: str, name: str, aws: Callable[..., Any], theirs: Account
) -> None:
    keys = {"key": theirs.root_access_key_id, "secret": theirs.root_secret_access_key}
    aws("ecr", **keys).create_repository(repositoryName="copy")
    pat = person([*PULL, *PUSH], theirs)
    mount = f"/v2/{theirs.account_id}/copy/blobs/uploads/?mount={digest_of(CONTENT)}&from={name}"
    assert pat.ask("POST", mount).status == 403
    aws("ecr").set_repository_policy(repositoryName="app", policyText=policy(theirs.account_id, PULL))
    assert pat.ask("POST", mount).status == 201
