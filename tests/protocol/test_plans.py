"""Plans are compiled once, whoever asks, and answers have the form that clients check."""

import zlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer

from aws_api.core.errors import AwsError
from aws_api.core.kept import KeptStructure
from aws_api.protocol.models import service_model
from aws_api.protocol.plans import Protocol, plan_for
from aws_api.protocol.wire import WireRequest


def test_threads_that_ask_at_once_get_the_same_plan() -> None:
    with ThreadPoolExecutor(16) as pool:
        plans = list(pool.map(lambda _: plan_for("kinesis", "PutRecord", Protocol.JSON), range(64)))
    assert all(plan is plans[0] for plan in plans)


def test_what_aws_does_not_have_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        service_model("teapot")
    with pytest.raises(KeyError):
        plan_for("sqs", "BrewTea", Protocol.JSON)


def test_members_that_are_none_or_unknown_are_left_out() -> None:
    response = plan_for("sqs", "SendMessage", Protocol.JSON).serialize(
        {"MessageId": "m", "SequenceNumber": None, "x": 1}, "id"
    )
    assert response.body == b'{"MessageId":"m"}'


def test_keys_may_be_members_of_an_enumeration() -> None:
    class Name(StrEnum):
        QUEUE_ARN = "QueueArn"

    response = plan_for("sqs", "GetQueueAttributes", Protocol.JSON).serialize(
        {"Attributes": {Name.QUEUE_ARN: "a"}}, "id"
    )
    assert response.body == b'{"Attributes":{"QueueArn":"a"}}'


def test_dynamodb_answers_carry_the_checksum_of_the_body() -> None:
    response = plan_for("dynamodb", "GetItem", Protocol.JSON).serialize({"Item": {"a": {"B": b"\x00"}}}, "id")
    assert isinstance(response.body, bytes)
    assert dict(response.headers)["x-amz-crc32"] == str(zlib.crc32(response.body))


def test_an_idempotency_token_is_made_where_the_caller_gave_none() -> None:
    plan = plan_for("ecs", "RunTask", Protocol.JSON)
    token = plan.parse(WireRequest(body=b'{"taskDefinition":"app"}'))["clientToken"]
    assert len(token) == 36
    assert plan.parse(WireRequest(body=b'{"taskDefinition":"app","clientToken":"t"}'))["clientToken"] == "t"


def test_numbers_and_moments_that_json_lacks_are_words_and_seconds() -> None:
    plan = plan_for("ecs", "DescribeTasks", Protocol.JSON)
    moment = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
    body = plan.serialize({"tasks": [{"createdAt": moment}]}, "id").body
    assert body == b'{"tasks":[{"createdAt":1769860800.123}]}'


async def test_an_event_stream_is_read_by_botocore() -> None:
    class SessionTimeoutException(AwsError):
        code = "SessionTimeoutException"

    async def events() -> AsyncIterator[dict[str, Any]]:
        yield {"sessionStart": {"requestId": "r", "logGroupIdentifiers": ["arn:a"]}}
        yield {"sessionUpdate": {"sessionResults": [{"message": "hello", "timestamp": 5}]}}
        raise SessionTimeoutException("Over.")

    response = plan_for("logs", "StartLiveTail", Protocol.JSON).serialize({"responseStream": events()}, "id")
    assert not isinstance(response.body, bytes)
    buffer = EventStreamBuffer()
    async for frame in response.body:
        buffer.add_data(frame)
    messages = list(buffer)
    assert [message.headers.get(":event-type") or message.headers[":exception-type"] for message in messages] == [
        "initial-response",
        "sessionStart",
        "sessionUpdate",
        "SessionTimeoutException",
    ]
    assert messages[2].payload == b'{"sessionResults":[{"message":"hello","timestamp":5}]}'
    assert messages[3].payload == b'{"message":"Over."}'


def test_a_kept_structure_is_written_like_any_other_and_only_once() -> None:
    plan = plan_for("ecs", "DescribeTasks", Protocol.JSON)
    task = {"taskArn": "arn", "createdAt": datetime(2026, 1, 2, tzinfo=UTC), "unknown": 1, "cpu": None}
    plain = plan.serialize({"tasks": [task], "failures": []}, "id")
    kept = KeptStructure(task)
    assert plan.serialize({"tasks": [kept], "failures": []}, "id") == plain
    written = kept.written
    assert plan.serialize({"tasks": [kept, kept], "failures": []}, "id").body.count(b'"taskArn":"arn"') == 2
    assert kept.written is written
