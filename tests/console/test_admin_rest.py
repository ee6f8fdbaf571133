"""The admin API's lists, Docker's and the storage's figures, bootstrap, and seeds."""

from typing import Any

import pytest
from django.test import Client

from aws_api.core.models import Account

BOOTSTRAP = [
    {"service": "sqs", "operation": "CreateQueue", "parameters": {"QueueName": "orders"}},
    {
        "service": "sqs",
        "operation": "SendMessage",
        "parameters": {"QueueUrl": "${0.QueueUrl}", "MessageBody": "to ${0.QueueUrl}"},
    },
    {"service": "kms", "operation": "CreateKey"},
    {
        "service": "kms",
        "operation": "Encrypt",
        "parameters": {"KeyId": "${2.KeyMetadata.KeyId}", "Plaintext": "aGVsbG8="},
    },
]


def bootstrap(account: Any, calls: Any) -> Any:
    path = f"/_simfra/accounts/{account.account_id}/bootstrap"
    return Client().post(path, calls, content_type="application/json")


def test_calls_are_made_in_their_order_and_refer_to_answers(aws: Any, account: Any) -> None:
    answer = bootstrap(account, BOOTSTRAP)
    assert answer.status_code == 201, answer.json()
    url, _, key, encrypted = answer.json()["results"]
    message = aws("sqs").receive_message(QueueUrl=url["QueueUrl"])["Messages"][0]
    assert message["Body"] == f"to {url['QueueUrl']}"
    assert encrypted["KeyId"].endswith(key["KeyMetadata"]["KeyId"])


@pytest.mark.parametrize(
    ("call", "why"),
    [
        ({"service": "sqs", "operation": "CreateQueue", "parameters": {"QueueName": "no spaces"}}, "alphanumeric"),
        ({"service": "sqs", "operation": "CreateQueue"}, "QueueName"),
        ({"service": "sqs", "operation": "Nothing"}, "no operation sqs:Nothing"),
        ({"service": "sqs", "operation": "GetQueueUrl", "parameters": {"QueueName": "${0.Nope}"}}, "there is no Nope"),
        ({"service": "sqs", "operation": "GetQueueUrl", "parameters": {"QueueName": "${9.A}"}}, "not before this one"),
        ({"service": "kms", "operation": "Encrypt", "parameters": {"Plaintext": "?"}}, "base64"),
    ],
)
def test_the_first_refusal_ends_it_with_the_reason(aws: Any, account: Any, call: Any, why: str) -> None:
    answer = bootstrap(account, [BOOTSTRAP[0], call, BOOTSTRAP[0]])
    assert answer.status_code == 409
    assert answer.json()["failed"] == 1
    assert why in answer.json()["error"]
    assert len(answer.json()["results"]) == 1


def test_lists_come_in_pages(gateway: Any, account: Any) -> None:
    Account.objects.bulk_create(Account(account_id=f"77{n:010d}") for n in range(5))
    try:
        first = Client().get("/_simfra/accounts?limit=3")
        seen = first.json()
        assert len(seen) == 3
        link = first["Link"].partition(">")[0].strip("<")
        while link:
            answer = Client().get(link)
            seen += answer.json()
            link = answer.headers.get("Link", "").partition(">")[0].strip("<")
        ids = [each["accountId"] for each in seen]
        assert len(ids) == len(set(ids)) == Account.objects.count()
    finally:
        Account.objects.filter(account_id__startswith="77000000").delete()
    assert Client().get("/_simfra/accounts?limit=0").status_code == 400


def test_a_seed_is_set_and_shown_and_begins_again_with_the_account(aws: Any, account: Any) -> None:
    path = f"/_simfra/accounts/{account.account_id}"
    assert Client().get(f"{path}/seed").json()["seed"] == ""
    assert Client().put(f"{path}/seed", {"seed": "42"}, content_type="application/json").json()["calls"] == 0
    first = aws("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    assert Client().get(f"{path}/seed").json() == {"accountId": account.account_id, "seed": "42", "calls": 1}
    Client().post(f"{path}/reset")
    assert aws("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"] == first


def test_storage_is_told_by_service(gateway: Any) -> None:
    summary = Client().get("/_simfra/storage/summary").json()
    assert summary["enabled"] is True
    assert (
        summary["total"] == sum(each["size"] for each in summary["services"]) == summary["database"] + summary["files"]
    )
    assert {"sqs", "ecs", "ecr"} <= {each["service"] for each in summary["services"]}


def test_without_an_engine_docker_says_why(gateway: Any, settings: Any) -> None:
    settings.SIMFRA_DOCKER = False
    settings.SIMFRA_DOCKER_PROBLEM = "There is no engine here."
    summary = Client().get("/_simfra/docker/summary").json()
    assert (summary["enabled"], summary["problem"], summary["containers"]) == (False, "There is no engine here.", None)
    answer = Client().get("/_simfra/docker/containers")
    assert (answer.status_code, answer.json()) == (503, {"error": "There is no engine here."})


@pytest.mark.docker
def test_what_is_on_the_engine_is_counted_and_listed(gateway: Any, settings: Any) -> None:
    settings.SIMFRA_DOCKER = True
    summary = Client().get("/_simfra/docker/summary").json()
    assert summary["enabled"] is True
    assert len(Client().get("/_simfra/docker/containers").json()) == summary["containers"]
    assert len(Client().get("/_simfra/docker/networks").json()) == summary["networks"]
