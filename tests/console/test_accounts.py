"""Accounts over the admin API: what keeps test runs apart."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.support.in_process import client as aws_client

ACCOUNTS = "/_simfra/accounts"


@pytest.fixture
def made(gateway: Any) -> dict[str, Any]:
    """A new account, as the API answers it."""
    answer = Client().post(ACCOUNTS, {}, content_type="application/json")
    assert answer.status_code == 201
    return dict(answer.json())


@pytest.fixture
def of_made(gateway: Any, made: dict[str, Any]) -> Callable[[str], Any]:
    """boto3 clients with the new account's root keys."""

    def make(service: str) -> Any:
        keys = {"key": made["rootAccessKeyId"], "secret": made["rootSecretAccessKey"]}
        return aws_client(gateway, service, **keys)

    return make


def test_a_new_account_has_keys_that_work(made: dict[str, Any], of_made: Any) -> None:
    assert of_made("sts").get_caller_identity()["Account"] == made["accountId"]
    assert made["bootstrap"] == {"success": True}
    (vpc,) = of_made("ec2").describe_vpcs()["Vpcs"]
    assert vpc["CidrBlock"] == "172.31.0.0/16"


def test_an_account_may_be_born_with_a_network_of_its_own(gateway: Any) -> None:
    wanted = {"vpc_cidr": "10.9.0.0/16", "availability_zones": ["us-east-1a", "us-east-1b"]}
    made = Client().post(ACCOUNTS, wanted, content_type="application/json").json()
    ec2 = aws_client(gateway, "ec2", key=made["rootAccessKeyId"], secret=made["rootSecretAccessKey"])
    (vpc,) = ec2.describe_vpcs()["Vpcs"]
    assert vpc["CidrBlock"] == "10.9.0.0/16"
    subnets = ec2.describe_subnets()["Subnets"]
    assert {(subnet["AvailabilityZone"], subnet["CidrBlock"]) for subnet in subnets} == {
        ("us-east-1a", "10.9.0.0/20"),
        ("us-east-1b", "10.9.16.0/20"),
    }


def test_accounts_are_listed_and_shown(made: dict[str, Any]) -> None:
    listed = Client().get(ACCOUNTS).json()
    assert {"accountId": made["accountId"], "alias": "", "createdAt": made["createdAt"]} in listed
    assert Client().get(f"{ACCOUNTS}/{made['accountId']}").json()["rootAccessKeyId"] == made["rootAccessKeyId"]
    assert Client().get(f"{ACCOUNTS}/999999999999").status_code == 404


@pytest.mark.parametrize(
    "wanted",
    [{"accountId": "12"}, {"vpc_cidr": "10.0.0.0/8"}, {"availability_zones": ["mars-1a"]}, {"bootstrap": "some"}],
)
def test_an_account_that_cannot_be_is_refused(wanted: dict[str, Any], gateway: Any) -> None:
    answer = Client().post(ACCOUNTS, wanted, content_type="application/json")
    assert answer.status_code == 400
    assert set(answer.json()) == {"error"}


def test_the_same_account_is_not_made_twice(made: dict[str, Any]) -> None:
    again = Client().post(ACCOUNTS, {"accountId": made["accountId"]}, content_type="application/json")
    assert again.status_code == 400


def test_a_reset_account_is_empty_and_keeps_its_keys(made: dict[str, Any], of_made: Any) -> None:
    of_made("sqs").create_queue(QueueName="orders")
    assert Client().post(f"{ACCOUNTS}/{made['accountId']}/reset").json()["deletedRows"] >= 1
    assert "QueueUrls" not in of_made("sqs").list_queues()


def test_a_deleted_account_is_gone_with_its_keys(made: dict[str, Any], of_made: Any) -> None:
    of_made("sqs").create_queue(QueueName="orders")
    assert Client().delete(f"{ACCOUNTS}/{made['accountId']}").status_code == 204
    with pytest.raises(Exception, match="security token included in the request is invalid"):
        of_made("sts").get_caller_identity()
    assert Client().delete(f"{ACCOUNTS}/000000000000").status_code == 400


def test_a_snapshot_brings_back_what_was(made: dict[str, Any], of_made: Any) -> None:
    url = of_made("sqs").create_queue(QueueName="orders")["QueueUrl"]
    of_made("sqs").send_message(QueueUrl=url, MessageBody="kept")
    snapshots = f"{ACCOUNTS}/{made['accountId']}/snapshots"
    snapshot = Client().post(snapshots, {"name": "before"}, content_type="application/json").json()
    assert Client().get(snapshots).json() == [snapshot]
    Client().post(f"{ACCOUNTS}/{made['accountId']}/reset")
    restored = Client().post(f"{snapshots}/{snapshot['id']}/restore").json()
    assert restored["restoredRows"] == snapshot["rows"]
    assert of_made("sqs").receive_message(QueueUrl=url)["Messages"][0]["Body"] == "kept"
    assert Client().delete(f"{snapshots}/{snapshot['id']}").status_code == 204
    assert Client().get(snapshots).json() == []


def test_a_state_goes_out_as_a_file_and_comes_back(made: dict[str, Any], of_made: Any) -> None:
    of_made("sqs").create_queue(QueueName="orders")
    path = f"{ACCOUNTS}/{made['accountId']}/state"
    answer: Any = Client().get(path)
    copy = b"".join(answer.streaming_content)
    Client().post(f"{ACCOUNTS}/{made['accountId']}/reset")
    assert Client().put(path, copy, content_type="application/gzip").status_code == 200
    assert len(of_made("sqs").list_queues()["QueueUrls"]) == 1
    refused = Client().put(path, b"nonsense", content_type="application/gzip")
    assert refused.status_code == 400
    assert "no copy" in refused.json()["error"]
