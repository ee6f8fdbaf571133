"""Lists of any service are told when to read themselves anew: at once, and after whatever changes what they show."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from aws_api.gateway.app import Gateway
from console.scope import Scope
from console.told_changes import changed_services
from tests.console.test_live import connected
from tests.support.threads import in_thread

WAIT_S = 30
PATH = "/_simfra/live/changes?service=secretsmanager&page="


@pytest.mark.parametrize(
    ("page", "asked"),
    [
        ("/secrets/%3Fq=shop%26marker=b", 'hx-get="/secrets/?q=shop&amp;marker=b"'),
        ("https://evil.example/secrets/", 'hx-get="/secrets/"'),
        ("//evil.example/", 'hx-get="/"'),
        ("/\\evil.example", 'hx-get="/evil.example"'),
        ('/"><script>', "&quot;&gt;&lt;script&gt;"),
    ],
)
async def test_a_page_reads_itself_anew_and_no_other_host(
    gateway: Gateway, browser: Client, page: str, asked: str
) -> None:
    async with connected(PATH + page, browser) as socket:
        assert asked in str(await socket.receive_from(timeout=WAIT_S))


async def test_a_list_hears_of_the_consoles_own_calls(browser: Client, account: Any) -> None:
    scope = Scope(account.account_id, "us-east-1")
    async with connected(f"{PATH}/secrets/", browser) as socket:
        await socket.receive_from(timeout=WAIT_S)
        await in_thread(lambda: scope.call("secretsmanager", "CreateSecret", Name="a", SecretString="x"))
        assert "hx-partial" in str(await socket.receive_from(timeout=WAIT_S))


async def test_reads_and_other_accounts_change_nothing(gateway: Gateway, account: Any, aws: Callable[..., Any]) -> None:
    mine, other = Scope(account.account_id, "us-east-1"), Scope("121212121212", "us-east-1")
    async with changed_services(account.account_id) as told:
        await in_thread(lambda: other.call("sqs", "CreateQueue", QueueName="theirs"))
        await in_thread(lambda: mine.call("sqs", "ListQueues"))
        await in_thread(lambda: mine.call("ssm", "PutParameter", Name="a", Value="x", Type="String"))
        assert await asyncio.wait_for(told.get(), WAIT_S) == "ssm"
