"""The page that says who was refused what, and which policy would do."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.exceptions import ClientError
from django.test import Client

from aws_api.core.authorization import require_access
from aws_api.core.context import Principal, PrincipalType, internal_context
from aws_api.core.errors import AccessDeniedException
from aws_api.core.execution import run_on_loop
from aws_api.services.iam.used_actions import used_actions


@pytest.fixture
def ann(aws: Callable[..., Any]) -> Callable[..., Any]:
    """Clients of a user who may create queues and do nothing else."""
    iam = aws("iam")
    iam.create_user(UserName="ann")
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sqs:CreateQueue", "Resource": "*"}}
    iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    return lambda service: aws(service, key=key["AccessKeyId"], secret=key["SecretAccessKey"])


def page(browser: Client, **query: str) -> str:
    answer = browser.get(f"/access/?{urlencode(query)}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_denial_of_a_workers_call_shows_its_missing_statement(browser: Client, account: Any) -> None:
    context = internal_context(account.account_id, "us-east-1")
    service = Principal(
        type=PrincipalType.SERVICE, arn="ecs.amazonaws.com", account_id=account.account_id, user_id="ecs"
    )
    role = f"arn:aws:sts::{account.account_id}:assumed-role/task/abc"
    federated = Principal(type=PrincipalType.FEDERATED_USER, arn=role, account_id=account.account_id, user_id="x")
    for principal in (service, federated):
        with pytest.raises(AccessDeniedException):
            require_access(
                context.as_principal(principal), ("ssm:GetParameters", "arn:aws:ssm:us-east-1:1:parameter/a")
            )
    text = page(browser)
    assert role in text
    assert "&quot;Action&quot;: &quot;ssm:GetParameters&quot;" in text
    assert role not in page(Client()), "another account's are not shown"


def test_a_principals_suggested_policy_is_a_click_away(browser: Client, ann: Callable[..., Any], account: Any) -> None:
    ann("sqs").create_queue(QueueName="orders")
    with pytest.raises(ClientError):
        ann("dynamodb").list_tables()
    run_on_loop(used_actions.flush())
    arn = f"arn:aws:iam::{account.account_id}:user/ann"
    assert urlencode({"principal": arn}).replace("%2F", "/") in page(browser) or arn in page(browser)
    text = page(browser, principal=arn)
    allowed, refused = text.partition("was refused:")[::2]
    assert "sqs:CreateQueue" in allowed
    assert "dynamodb:ListTables" in refused
    assert "Policy for" not in page(browser, principal="arn:aws:iam::1:user/nobody")
