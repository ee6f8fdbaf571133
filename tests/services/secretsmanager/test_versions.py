"""Versions and staging labels: what moves where."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from aws_api.services.secretsmanager.stages import put_stages
from tests.services.secretsmanager.test_secrets import code_of, message_of


@pytest.fixture
def first(secrets):
    return secrets.create_secret(Name="s", SecretString="one")["VersionId"]


def stages(secrets):
    return secrets.describe_secret(SecretId="s")["VersionIdsToStages"]


def test_a_new_value_is_current_and_the_old_one_previous(secrets, first):
    second = secrets.put_secret_value(SecretId="s", SecretString="two")["VersionId"]
    assert stages(secrets) == {first: ["AWSPREVIOUS"], second: ["AWSCURRENT"]}
    third = secrets.put_secret_value(SecretId="s", SecretString="three")["VersionId"]
    assert stages(secrets) == {second: ["AWSPREVIOUS"], third: ["AWSCURRENT"]}
    assert secrets.get_secret_value(SecretId="s")["SecretString"] == "three"
    assert secrets.get_secret_value(SecretId="s", VersionStage="AWSPREVIOUS")["SecretString"] == "two"
    deprecated = secrets.get_secret_value(SecretId="s", VersionId=first)
    assert deprecated["SecretString"] == "one"
    assert not deprecated.get("VersionStages")


def test_a_version_and_a_stage_must_agree(secrets, first):
    second = secrets.put_secret_value(SecretId="s", SecretString="two")["VersionId"]
    both = secrets.get_secret_value(SecretId="s", VersionId=second, VersionStage="AWSCURRENT")
    assert both["SecretString"] == "two"
    with pytest.raises(ClientError, match="VersionStage that is not associated to the provided VersionId") as error:
        secrets.get_secret_value(SecretId="s", VersionId=first, VersionStage="AWSCURRENT")
    assert code_of(error) == "InvalidRequestException"
    missing = "0" * 32
    for members, what in (
        ({"VersionId": missing}, f"VersionId: {missing}"),
        ({"VersionStage": "AWSPENDING"}, "staging label: AWSPENDING"),
    ):
        with pytest.raises(ClientError) as error:
            secrets.get_secret_value(SecretId="s", **members)
        assert code_of(error) == "ResourceNotFoundException"
        assert message_of(error) == f"Secrets Manager can't find the specified secret value for {what}"


def test_a_pending_version_leaves_the_current_one_until_it_is_promoted(secrets, first):
    pending = secrets.put_secret_value(SecretId="s", SecretString="two", VersionStages=["AWSPENDING"])["VersionId"]
    assert secrets.get_secret_value(SecretId="s")["SecretString"] == "one"
    assert secrets.get_secret_value(SecretId="s", VersionStage="AWSPENDING")["SecretString"] == "two"
    secrets.update_secret_version_stage(
        SecretId="s", VersionStage="AWSCURRENT", RemoveFromVersionId=first, MoveToVersionId=pending
    )
    assert stages(secrets) == {first: ["AWSPREVIOUS"], pending: ["AWSPENDING", "AWSCURRENT"]}
    secrets.update_secret_version_stage(SecretId="s", VersionStage="AWSPENDING", RemoveFromVersionId=pending)
    assert stages(secrets) == {first: ["AWSPREVIOUS"], pending: ["AWSCURRENT"]}


def test_a_stage_moves_only_from_where_it_is(secrets, first):
    second = secrets.put_secret_value(SecretId="s", SecretString="two")["VersionId"]
    for members, message in (
        ({"MoveToVersionId": first}, f"currently attached to version {second}"),
        ({"MoveToVersionId": second, "RemoveFromVersionId": first}, "isn't currently attached to version"),
        ({"RemoveFromVersionId": second}, "completely removed"),
        ({}, "Specify RemoveFromVersionId"),
    ):
        with pytest.raises(ClientError, match=message) as error:
            secrets.update_secret_version_stage(SecretId="s", VersionStage="AWSCURRENT", **members)
        assert code_of(error) == "InvalidParameterException"
    with pytest.raises(ClientError) as error:
        secrets.update_secret_version_stage(SecretId="s", VersionStage="MINE", MoveToVersionId="0" * 32)
    assert code_of(error) == "ResourceNotFoundException"
    secrets.update_secret_version_stage(SecretId="s", VersionStage="MINE", MoveToVersionId=first)
    assert stages(secrets)[first] == ["AWSPREVIOUS", "MINE"]


def test_the_same_token_twice_is_one_version(secrets, first):
    token = "b" * 32
    for _ in range(2):
        put = secrets.put_secret_value(SecretId="s", SecretString="two", ClientRequestToken=token)
        assert put["VersionId"] == token
    assert stages(secrets) == {first: ["AWSPREVIOUS"], token: ["AWSCURRENT"]}
    for call in (secrets.put_secret_value, secrets.update_secret):
        with pytest.raises(ClientError, match="already exists") as error:
            call(SecretId="s", SecretString="else", ClientRequestToken=token)
        assert code_of(error) == "ResourceExistsException"
    assert secrets.get_secret_value(SecretId="s")["SecretString"] == "two"


def test_versions_without_a_label_are_listed_on_demand(secrets, first):
    second = secrets.put_secret_value(SecretId="s", SecretString="two")["VersionId"]
    third = secrets.put_secret_value(SecretId="s", SecretString="three")["VersionId"]
    listed = secrets.list_secret_version_ids(SecretId="s")
    assert [each["VersionId"] for each in listed["Versions"]] == [third, second]
    assert listed["Versions"][0]["KmsKeyIds"] == ["DefaultEncryptionKey"]
    pages = [
        secrets.list_secret_version_ids(SecretId="s", IncludeDeprecated=True, MaxResults=2),
    ]
    pages.append(
        secrets.list_secret_version_ids(
            SecretId="s", IncludeDeprecated=True, MaxResults=2, NextToken=pages[0]["NextToken"]
        )
    )
    assert [each["VersionId"] for page in pages for each in page["Versions"]] == [third, second, first]
    assert "VersionStages" not in pages[1]["Versions"][0]


def test_only_so_many_versions_are_kept(secrets, first, monkeypatch):
    monkeypatch.setattr("aws_api.services.secretsmanager.versions.MAX_VERSIONS", 3)
    for number in range(4):
        secrets.put_secret_value(SecretId="s", SecretString=str(number))
    listed = secrets.list_secret_version_ids(SecretId="s", IncludeDeprecated=True)["Versions"]
    assert len(listed) == 3
    assert first not in {each["VersionId"] for each in listed}


def test_values_put_at_once_leave_one_current(aws, secrets, first):
    clients = [aws("secretsmanager") for _ in range(6)]
    with ThreadPoolExecutor(6) as executor:
        list(executor.map(lambda each: each.put_secret_value(SecretId="s", SecretString="x"), clients))
    labels = sorted(label for labels in stages(secrets).values() for label in labels)
    assert labels == ["AWSCURRENT", "AWSPREVIOUS"]


def test_previous_follows_current_wherever_it_goes():
    before = {"a": ("AWSPREVIOUS",), "b": ("AWSCURRENT", "MINE"), "c": ()}
    assert put_stages(before, "a", ["AWSCURRENT"]) == {"a": ("AWSCURRENT",), "b": ("MINE", "AWSPREVIOUS"), "c": ()}
    assert put_stages(before, "c", ["AWSCURRENT", "MINE"]) == {
        "a": (),
        "b": ("AWSPREVIOUS",),
        "c": ("AWSCURRENT", "MINE"),
    }
    assert put_stages(before, "b", ["AWSCURRENT"]) == before
