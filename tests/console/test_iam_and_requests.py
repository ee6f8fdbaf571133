"""Principals and what they may do; what was asked of the endpoint, and how to ask it again."""

import json
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from django.test import Client

from console.calls import Call
from tests.console.test_live import connected, received
from tests.console.test_pages import page
from tests.support.threads import in_thread

Aws = Callable[..., Any]


@pytest.fixture
def ann(aws: Aws, recorded: Aws) -> Aws:
    """Clients of a user who may create queues, but none for secrets; also the user of a group with a managed policy."""
    iam = aws("iam")
    iam.create_user(UserName="ann")
    statements = [
        {"Sid": "Make", "Effect": "Allow", "Action": "sqs:CreateQueue", "Resource": "*"},
        {"Sid": "NoSecrets", "Effect": "Deny", "Action": "sqs:*", "Resource": "arn:aws:sqs:*:*:secret-*"},
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=document)
    iam.create_group(GroupName="readers")
    reading = json.dumps(
        {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sqs:List*", "Resource": "*"}}
    )
    arn = iam.create_policy(PolicyName="reading", PolicyDocument=reading)["Policy"]["Arn"]
    iam.attach_group_policy(GroupName="readers", PolicyArn=arn)
    iam.add_user_to_group(GroupName="readers", UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    return lambda service: recorded(service, **keys)


@pytest.fixture
def recorded(live_gateway: str, account: Any) -> Aws:
    """``recorded("sqs")``: clients of root through a gateway that runs, and so hands on its records."""

    def make(service: str, **keys: str) -> Any:
        keys = keys or {
            "aws_access_key_id": account.root_access_key_id,
            "aws_secret_access_key": account.root_secret_access_key,
        }
        once = Config(retries={"total_max_attempts": 1})
        return boto3.client(service, region_name="us-east-1", endpoint_url=live_gateway, config=once, **keys)

    return make


def simulated(browser: Client, **query: str) -> str:
    return unescape(page(browser, f"/iam/users/ann?{urlencode(query)}"))


def test_principals_are_listed_and_their_documents_readable(browser: Client, aws: Aws, ann: Aws) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": trust})
    aws("iam").create_role(RoleName="task", AssumeRolePolicyDocument=document)
    assert browser.get("/iam/")["location"] == "/iam/roles/"
    assert "/iam/roles/task" in page(browser, "/iam/roles/")
    assert '"Service": "ecs-tasks.amazonaws.com"' in unescape(page(browser, "/iam/roles/task"))
    assert "/iam/users/ann" in page(browser, "/iam/users/")
    assert "/iam/groups/readers" in page(browser, "/iam/groups/")
    shown = unescape(page(browser, "/iam/users/ann"))
    assert '"Sid": "NoSecrets"' in shown and "attached, of the group readers" in shown
    assert ":policy/reading" in page(browser, "/iam/policies/")
    assert ":aws:policy/" in page(browser, "/iam/policies/?scope=All")
    (arn,) = [each["Arn"] for each in aws("iam").list_policies(Scope="Local")["Policies"]]
    policy = unescape(page(browser, f"/iam/policy?{urlencode({'arn': arn})}"))
    assert "sqs:List*" in policy and "/iam/groups/readers" in policy


def test_the_simulator_names_the_statement_that_decides(browser: Client, ann: Aws) -> None:
    allowed = simulated(browser, actions="sqs:CreateQueue", resources="arn:aws:sqs:us-east-1:1:a")
    answer = allowed[allowed.index("Decided by") : allowed.index("Policies</h2>")]
    assert ">allowed<" in answer and '"Sid": "Make"' in answer and "NoSecrets" not in answer
    denied = simulated(browser, actions="sqs:CreateQueue", resources="arn:aws:sqs:us-east-1:1:secret-a")
    answer = denied[denied.index("Decided by") : denied.index("Policies</h2>")]
    assert ">explicitDeny<" in answer and '"Sid": "NoSecrets"' in answer
    by_group = simulated(browser, actions="sqs:ListQueues")
    assert '"sqs:List*"' in by_group[by_group.index("Decided by") : by_group.index("Policies</h2>")]
    assert ">implicitDeny<" in simulated(browser, actions="ecs:RunTask")
    assert "aws iam simulate-principal-policy" in allowed
    wrong = simulated(browser, actions="sqs:SendMessage", context="{no")
    assert "The condition keys are no JSON" in wrong and "{no" in wrong


def test_what_was_decided_lately_leads_to_the_request(browser: Client, ann: Aws) -> None:
    with pytest.raises(ClientError):
        ann("dynamodb").list_tables()
    ann("sqs").create_queue(QueueName="orders")
    shown = page(browser, "/iam/users/ann")
    assert "dynamodb:ListTables" in shown and "sqs:CreateQueue" in shown
    assert "/access/?principal=arn" in shown
    listing = page(browser, "/requests/?service=dynamodb")
    (link,) = {part for part in listing.split('"') if part.startswith("/requests/") and len(part) > 20}
    request = unescape(page(browser, link))
    assert "aws dynamodb list-tables" in request
    assert '"Action": "dynamodb:ListTables"' in request, "the missing statement"


def test_requests_are_filtered(browser: Client, recorded: Aws) -> None:
    recorded("sqs").create_queue(QueueName="orders-of-a-test")
    with pytest.raises(ClientError):
        recorded("sqs").get_queue_url(QueueName="nowhere")
    everything = page(browser, "/requests/")
    assert "CreateQueue" in everything and "GetQueueUrl" in everything
    assert "GetQueueUrl" not in page(browser, "/requests/?status=2xx")
    assert "CreateQueue" not in page(browser, "/requests/?status=4xx")
    assert "CreateQueue" in page(browser, "/requests/?q=orders-of-a")
    assert "<strong>" not in page(browser, "/requests/?service=ecs")


def test_a_request_is_a_command_with_its_secrets_masked(browser: Client, recorded: Aws) -> None:
    recorded("secretsmanager").create_secret(Name="key", SecretString="hunter2")
    listing = page(browser, "/requests/?operation=CreateSecret")
    (link,) = {part for part in listing.split('"') if part.startswith("/requests/") and len(part) > 20}
    request = unescape(page(browser, link))
    assert "aws secretsmanager create-secret --name key" in request
    assert "hunter2" not in request
    assert "--secret-string '********'" in request


def test_another_accounts_requests_and_principals_are_not_shown(browser: Client, aws: Aws, ann: Aws) -> None:
    ann("sqs").create_queue(QueueName="orders")
    listing = page(browser, "/requests/?operation=CreateQueue")
    (link,) = {part for part in listing.split('"') if part.startswith("/requests/") and len(part) > 20}
    stranger = Client()
    stranger.post("/scope", {"account_id": "999999999999", "region": "us-east-1", "back": "/"})
    assert stranger.get(link).status_code == 404
    assert "<strong>" not in page(stranger, "/requests/?operation=CreateQueue")
    assert "ann" not in page(stranger, "/iam/users/").replace("--user-name ann", "").replace("annel", "")
    assert stranger.get("/iam/users/ann").status_code == 404


async def test_the_list_grows_while_somebody_looks(browser: Client, recorded: Aws) -> None:
    async with connected("/_simfra/live/requests?service=sqs", browser) as socket:
        await received(socket, "None of the account")
        await in_thread(recorded("sqs").create_queue, QueueName="orders")
        assert 'hx-target="#requests"' in await received(socket, "CreateQueue")


@pytest.mark.parametrize(
    ("call", "command"),
    [
        (Call("sqs", "ListQueues"), "aws sqs list-queues"),
        (
            Call("sqs", "SendMessage", {"QueueUrl": "http://x/1/q", "MessageBody": "it's"}),
            "aws sqs send-message --queue-url http://x/1/q --message-body 'it'\"'\"'s'",
        ),
        (
            Call("ecs", "DescribeTasks", {"tasks": ["a", "b"], "include": ["TAGS"]}),
            "aws ecs describe-tasks --tasks a b --include TAGS",
        ),
        (
            Call("dynamodb", "GetItem", {"TableName": "t", "Key": {"k": {"B": b"\x00"}}, "ConsistentRead": True}),
            'aws dynamodb get-item --table-name t --key \'{"k":{"B":"AA=="}}\' --consistent-read',
        ),
        (Call("logs", "GetLogEvents", {"startFromHead": False}), "aws logs get-log-events --no-start-from-head"),
    ],
)
def test_a_call_is_told_as_the_cli_takes_it(call: Call, command: str) -> None:
    assert call.command == command
