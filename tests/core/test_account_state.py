"""An account's state is deleted, copied and put back whole, and nobody else's is touched."""

import gzip
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps

from aws_api.core import account_state
from aws_api.core.account_rows import owned_tables
from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.errors import ValidationException
from aws_api.core.ids import new_account_id
from aws_api.core.models import Account
from aws_api.services.ec2.models import Vpc, VpcNetwork
from aws_api.services.ec2.reconcile import NetworkStatus

Aws = Callable[..., Any]

#: Tables that are nobody's: what workers note for themselves, and Django's own.
NOBODYS = {
    "core_account",
    "core_planrecord",
    "core_snapshot",
    "dynamodb_leftover",
    "workers_lease",
    "workers_logcursor",
    "workers_pull",
}


def fill(aws: Aws) -> None:
    """A little of everything that keeps rows in ways of its own."""
    url = aws("sqs").create_queue(QueueName="orders")["QueueUrl"]
    aws("sqs").send_message(QueueUrl=url, MessageBody="kept")
    aws("dynamodb").create_table(
        TableName="books",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "author", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-author",
                "KeySchema": [{"AttributeName": "author", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    aws("dynamodb").put_item(TableName="books", Item={"id": {"S": "1"}, "author": {"S": "a"}, "cover": {"B": b"\0\1"}})
    aws("secretsmanager").create_secret(Name="password", SecretString="s3cret")
    aws("logs").create_log_group(logGroupName="lines")
    aws("logs").create_log_stream(logGroupName="lines", logStreamName="one")
    aws("logs").put_log_events(
        logGroupName="lines", logStreamName="one", logEvents=[{"timestamp": SYSTEM_CLOCK.epoch_ms(), "message": "said"}]
    )
    aws("iam").create_user(UserName="ann")
    aws("iam").create_access_key(UserName="ann")


def check_filled(aws: Aws) -> None:
    """All that ``fill`` made is there."""
    url = aws("sqs").get_queue_url(QueueName="orders")["QueueUrl"]
    (message,) = aws("sqs").receive_message(QueueUrl=url, VisibilityTimeout=0)["Messages"]
    assert message["Body"] == "kept"
    item = {"id": {"S": "1"}, "author": {"S": "a"}, "cover": {"B": b"\0\1"}}
    assert aws("dynamodb").get_item(TableName="books", Key={"id": {"S": "1"}})["Item"] == item
    found = aws("dynamodb").query(
        TableName="books",
        IndexName="by-author",
        KeyConditionExpression="author = :a",
        ExpressionAttributeValues={":a": {"S": "a"}},
    )
    assert found["Items"] == [item]
    assert aws("secretsmanager").get_secret_value(SecretId="password")["SecretString"] == "s3cret"
    events = aws("logs").get_log_events(logGroupName="lines", logStreamName="one", startFromHead=True)["events"]
    assert [event["message"] for event in events] == ["said"]
    assert len(aws("iam").list_access_keys(UserName="ann")["AccessKeyMetadata"]) == 1


def copy_of(account: Account) -> bytes:
    target = io.BytesIO()
    assert account_state.copy_state(account.account_id, target) > 10
    return target.getvalue()


def test_every_table_of_ours_is_an_accounts_or_nobodys() -> None:
    ours = {
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if model.__module__.startswith(("aws_api.", "workers."))
    }
    owned = {table.name for table in owned_tables()}
    assert ours - owned == NOBODYS & ours
    assert not owned & NOBODYS


def test_a_deleted_state_leaves_nothing_behind_and_others_alone(aws: Aws, account: Account) -> None:
    neighbour = Account.objects.create(account_id=new_account_id())
    theirs = aws("sqs", key=neighbour.root_access_key_id, secret=neighbour.root_secret_access_key)
    theirs.create_queue(QueueName="theirs")
    fill(aws)
    account_state.delete_state(account.account_id)
    assert aws("sqs").list_queues().get("QueueUrls", []) == []
    assert aws("dynamodb").list_tables()["TableNames"] == []
    assert aws("iam").list_users()["Users"] == []
    assert len(theirs.list_queues()["QueueUrls"]) == 1
    assert account_state.copy_state(account.account_id, io.BytesIO()) == 0


def test_a_state_is_restored_as_it_was(aws: Aws, account: Account) -> None:
    fill(aws)
    copy = copy_of(account)
    aws("sqs").create_queue(QueueName="later")
    aws("dynamodb").delete_table(TableName="books")
    account_state.restore_state(account.account_id, io.BytesIO(copy))
    check_filled(aws)
    assert len(aws("sqs").list_queues()["QueueUrls"]) == 1


def test_a_state_can_be_restored_again_and_again(aws: Aws, account: Account) -> None:
    fill(aws)
    copy = copy_of(account)
    for _ in range(3):
        account_state.restore_state(account.account_id, io.BytesIO(copy))
        copy = copy_of(account)
        check_filled(aws)
    aws("sqs").create_queue(QueueName="later")


@pytest.mark.parametrize(
    "copy",
    [
        b"",
        b"nonsense",
        gzip.compress(b"{}\n"),
        gzip.compress(b'{"format": 1, "account_id": "111111111111"}\n'),
        gzip.compress(b'{"format": 99, "account_id": "111111111111"}\n'),
    ],
)
def test_what_is_no_copy_is_refused_and_changes_nothing(copy: bytes, aws: Aws, account: Account) -> None:
    aws("sqs").create_queue(QueueName="stays")
    with pytest.raises(ValidationException):
        account_state.restore_state(account.account_id, io.BytesIO(copy))
    assert len(aws("sqs").list_queues()["QueueUrls"]) == 1


def test_half_a_copy_changes_nothing(aws: Aws, account: Account) -> None:
    fill(aws)
    copy = copy_of(account)
    with pytest.raises(ValidationException):
        account_state.restore_state(account.account_id, io.BytesIO(copy[: len(copy) // 2]))
    check_filled(aws)


def test_a_restored_vpc_has_no_network_until_one_is_made(aws: Aws, account: Account) -> None:
    vpc = aws("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    key = f"{account.account_id}/us-east-1/{vpc}"
    made = {"account_id": account.account_id, "region": "us-east-1", "vpc": Vpc.objects.get(resource_id=vpc)}
    row, _ = VpcNetwork.objects.get_or_create(key=key, defaults=made)
    there = {"last_status": NetworkStatus.READY, "last_backing_subnet": "100.80.0.0/24", "last_dns_port": 10_001}
    VpcNetwork.objects.filter(pk=row.pk).update(**there)
    copy = io.BytesIO()
    account_state.copy_state(account.account_id, copy)
    copy.seek(0)
    account_state.restore_state(account.account_id, copy)
    network = VpcNetwork.objects.get(key=key)
    assert (network.last_status, network.last_backing_subnet, network.last_dns_port) == (NetworkStatus.ABSENT, "", 0)
    assert network.vpc is not None
    assert [each["VpcId"] for each in aws("ec2").describe_vpcs(VpcIds=[vpc])["Vpcs"]] == [vpc]
