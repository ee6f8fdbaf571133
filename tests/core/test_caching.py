"""What processes keep of rows is never older than the last word that they could hear."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import orjson
import pytest
import redis
from botocore.exceptions import ClientError
from django.conf import settings

from aws_api.core import bus
from aws_api.core.caching import MetadataCache
from aws_api.core.execution import run_on_loop
from aws_api.core.forgetting import SURE_S, TOPIC
from aws_api.core.ids import new_uuid
from aws_api.core.models import Account
from tests.support.waiting import wait_for


class Rows:
    """A table of one row, and how often it was read."""

    def __init__(self) -> None:
        self.value = "first"
        self.loads = 0

    async def load(self, _key: str) -> str:
        self.loads += 1
        return self.value


@pytest.fixture
def rows(database: None) -> Rows:
    return Rows()


@pytest.fixture
def cache(rows: Rows) -> Iterator[MetadataCache[str, str]]:
    yield MetadataCache(f"test.{new_uuid()}", rows.load)


def read(cache: MetadataCache[str, str]) -> str | None:
    return run_on_loop(cache.get("key"))


def is_kept(cache: MetadataCache[str, str], rows: Rows) -> bool:
    read(cache)
    loads = rows.loads
    read(cache)
    return rows.loads == loads


def tell_from_elsewhere(cache: MetadataCache[str, str]) -> None:
    """As another process does, which listens to its echoes on a topic of its own."""
    bus.publish(TOPIC, orjson.dumps((f"{TOPIC}.elsewhere", 0, [(cache._name, "key")])))


def test_nothing_is_kept_before_the_broker_has_subscribed_us_and_then_it_is(
    cache: MetadataCache[str, str], rows: Rows
) -> None:
    assert read(cache) == "first"
    wait_for(lambda: is_kept(cache, rows), timeout_s=10, what="the cache to keep what it loads")
    rows.value = "second"
    assert read(cache) == "first"
    cache.invalidate("key")
    assert read(cache) == "second"


def test_another_processs_word_drops_what_is_kept(cache: MetadataCache[str, str], rows: Rows) -> None:
    wait_for(lambda: is_kept(cache, rows), timeout_s=10, what="the cache to keep what it loads")
    rows.value = "second"
    tell_from_elsewhere(cache)
    wait_for(lambda: read(cache) == "second", timeout_s=10, what="the new value")


def test_a_broken_subscription_drops_everything_that_was_kept(cache: MetadataCache[str, str], rows: Rows) -> None:
    wait_for(lambda: is_kept(cache, rows), timeout_s=10, what="the cache to keep what it loads")
    rows.value = "second"
    with redis.Redis.from_url(settings.REDIS_URL) as valkey:
        valkey.client_kill_filter(_type="pubsub")
    wait_for(lambda: read(cache) == "second", timeout_s=10, what="the new value, though nobody told of it")
    wait_for(lambda: is_kept(cache, rows), timeout_s=10, what="the cache to keep what it loads again")
    rows.value = "third"
    tell_from_elsewhere(cache)
    wait_for(lambda: read(cache) == "third", timeout_s=10, what="a message after the reconnection")


def test_a_change_waits_for_the_echo_of_everybody_but_not_for_long(cache: MetadataCache[str, str], rows: Rows) -> None:
    wait_for(lambda: is_kept(cache, rows), timeout_s=10, what="the cache to keep what it loads")
    deaf = redis.Redis.from_url(settings.REDIS_URL)
    with deaf.pubsub() as somebody:  # type: ignore[no-untyped-call]
        somebody.subscribe(bus._channel(TOPIC))
        assert somebody.get_message(timeout=10)["type"] == "subscribe"
        started = time.monotonic()
        cache.invalidate("key")
        assert time.monotonic() - started >= SURE_S
        told, _, words = orjson.loads(somebody.get_message(timeout=10)["data"])
    assert told.startswith(f"{TOPIC}.")
    assert words == [[cache._name, "key"]]
    deaf.close()


def test_changes_at_the_same_time_are_one_word(rows: Rows) -> None:
    caches = [MetadataCache(f"test.{new_uuid()}", rows.load) for _ in range(50)]
    heard: list[bytes] = []

    async def change_all() -> None:
        await bus.process_bus().listen(TOPIC, heard.append)
        await asyncio.gather(*(cache.invalidate_async("key") for cache in caches))
        await bus.process_bus().unlisten(TOPIC, heard.append)

    run_on_loop(change_all())
    said = [name for payload in heard for name, _ in orjson.loads(payload)[2]]
    assert {cache._name for cache in caches} <= set(said)
    assert len(heard) == 1


def test_a_broker_that_hangs_hinders_neither_changes_nor_reads(cache: MetadataCache[str, str], rows: Rows) -> None:
    wait_for(lambda: is_kept(cache, rows), timeout_s=10, what="the cache to keep what it loads")
    with redis.Redis.from_url(settings.REDIS_URL) as valkey:
        process_id = valkey.info("server")["process_id"]
    os.kill(process_id, signal.SIGSTOP)
    try:
        rows.value = "second"
        cache.invalidate("key")
        assert read(cache) == "second"
        rows.value = "third"
        assert read(cache) == "third"
    finally:
        os.kill(process_id, signal.SIGCONT)
    wait_for(lambda: is_kept(cache, rows), timeout_s=10, what="the cache to keep what it loads again")


def test_a_subscription_that_could_not_be_made_is_made_later(database: None) -> None:
    heard: list[bytes] = []
    topic = f"test.{new_uuid()}"

    async def listen_while_deaf() -> None:
        process_bus = bus.process_bus()
        await process_bus.listen(f"test.{new_uuid()}", lambda _: None)
        # As ``listen`` leaves it when the broker is away.
        process_bus._listeners.setdefault(bus._channel(topic), []).append(heard.append)

    run_on_loop(listen_while_deaf())
    with redis.Redis.from_url(settings.REDIS_URL) as valkey:
        valkey.client_kill_filter(_type="pubsub")

    def is_heard() -> bool:
        bus.publish(topic, b"hello")
        return bool(heard)

    wait_for(is_heard, timeout_s=10, what="the subscription")


def test_what_changed_while_it_was_loaded_is_answered_but_not_kept(rows: Rows) -> None:
    async def load_slowly(key: str) -> str:
        value = await rows.load(key)
        await asyncio.to_thread(changing.invalidate, "key")
        return value

    changing: MetadataCache[str, str] = MetadataCache(f"test.{new_uuid()}", load_slowly)
    assert read(changing) == "first"
    rows.value = "second"
    assert read(changing) == "second"


def test_queues_tables_and_keys_are_in_another_process_as_changed_from_the_next_request_on(
    aws: Callable[..., Any], account: Account, live_gateway: str
) -> None:
    session = boto3.session.Session(account.root_access_key_id, account.root_secret_access_key, region_name="us-east-1")
    there = {name: session.client(name, endpoint_url=live_gateway) for name in ("sqs", "dynamodb", "kms")}
    here = {name: aws(name) for name in there}
    key_id = here["kms"].create_key()["KeyMetadata"]["KeyId"]
    definition = {
        "TableName": "table",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    for _ in range(5):
        url = here["sqs"].create_queue(QueueName="queue")["QueueUrl"]
        there["sqs"].send_message(QueueUrl=url, MessageBody="x" * 2000)
        here["sqs"].set_queue_attributes(QueueUrl=url, Attributes={"MaximumMessageSize": "1024"})
        with pytest.raises(ClientError, match="1024"):
            there["sqs"].send_message(QueueUrl=url, MessageBody="x" * 2000)
        here["sqs"].delete_queue(QueueUrl=url)
        with pytest.raises(ClientError, match="does not exist"):
            there["sqs"].send_message(QueueUrl=url, MessageBody="x")
        here["dynamodb"].create_table(**definition)
        there["dynamodb"].put_item(TableName="table", Item={"id": {"S": "1"}})
        here["dynamodb"].delete_table(TableName="table")
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            there["dynamodb"].put_item(TableName="table", Item={"id": {"S": "1"}})
        there["kms"].encrypt(KeyId=key_id, Plaintext=b"x")
        here["kms"].disable_key(KeyId=key_id)
        with pytest.raises(ClientError, match="DisabledException"):
            there["kms"].encrypt(KeyId=key_id, Plaintext=b"x")
        here["kms"].enable_key(KeyId=key_id)
