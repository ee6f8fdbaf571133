"""CloudWatch Logs through boto3 and the whole gateway."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

DAY_MS = 86_400_000


@pytest.fixture
def logs(aws: Callable[..., Any]) -> Any:
    """A client with the group ``/ecs/app`` and the stream ``a``."""
    client = aws("logs")
    client.create_log_group(logGroupName="/ecs/app")
    client.create_log_stream(logGroupName="/ecs/app", logStreamName="a")
    return client


@pytest.fixture
def now_ms() -> int:
    return int(time.time() * 1000)


def put(logs: Any, start_ms: int, *messages: str, stream: str = "a") -> Any:
    events = [{"timestamp": start_ms + place, "message": message} for place, message in enumerate(messages)]
    return logs.put_log_events(logGroupName="/ecs/app", logStreamName=stream, logEvents=events)


def get(logs: Any, **options: Any) -> Any:
    return logs.get_log_events(logGroupName="/ecs/app", logStreamName="a", **options)


def messages(answer: Any) -> list[str]:
    return [event["message"] for event in answer["events"]]


def test_events_are_read_back_in_order_of_time(logs, now_ms):
    put(logs, now_ms, "three", "four")
    put(logs, now_ms - 1000, "one", "two")
    assert messages(get(logs)) == ["one", "two", "three", "four"]
    assert messages(get(logs, startTime=now_ms, endTime=now_ms + 1)) == ["three"]


def test_forward_tokens_walk_to_the_end_and_stay_there_until_more_arrives(logs, now_ms):
    put(logs, now_ms, *"abcde")
    first = get(logs, limit=2, startFromHead=True)
    second = get(logs, limit=2, nextToken=first["nextForwardToken"])
    third = get(logs, limit=2, nextToken=second["nextForwardToken"])
    assert [messages(page) for page in (first, second, third)] == [["a", "b"], ["c", "d"], ["e"]]
    end = get(logs, limit=2, nextToken=third["nextForwardToken"])
    assert messages(end) == []
    assert end["nextForwardToken"] == third["nextForwardToken"]
    put(logs, now_ms + 10, "f")
    assert messages(get(logs, nextToken=end["nextForwardToken"])) == ["f"]


def test_without_a_start_the_last_events_come_first_and_backward_tokens_walk_to_the_beginning(logs, now_ms):
    put(logs, now_ms, *"abcde")
    last = get(logs, limit=2)
    middle = get(logs, limit=2, nextToken=last["nextBackwardToken"])
    first = get(logs, limit=2, nextToken=middle["nextBackwardToken"])
    assert [messages(page) for page in (last, middle, first)] == [["d", "e"], ["b", "c"], ["a"]]
    beginning = get(logs, limit=2, nextToken=first["nextBackwardToken"])
    assert messages(beginning) == []
    assert beginning["nextBackwardToken"] == first["nextBackwardToken"]
    assert messages(get(logs, nextToken=last["nextForwardToken"])) == []


def test_the_forward_token_of_an_empty_stream_finds_the_first_events(logs, now_ms):
    empty = get(logs)
    assert empty["events"] == []
    put(logs, now_ms, "first")
    assert messages(get(logs, nextToken=empty["nextForwardToken"])) == ["first"]


def test_a_page_ends_at_a_mebibyte(logs, now_ms):
    for place in range(3):
        put(logs, now_ms + place, "x" * 500_000)
    first = get(logs, startFromHead=True)
    assert len(first["events"]) == 2
    assert len(get(logs, nextToken=first["nextForwardToken"])["events"]) == 1


def test_events_out_of_their_time_are_rejected_and_the_others_kept(logs, now_ms):
    logs.put_retention_policy(logGroupName="/ecs/app", retentionInDays=3)
    old = put(logs, now_ms - 15 * DAY_MS, "too old")
    assert old["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    expired = put(logs, now_ms - 4 * DAY_MS, "expired")
    assert expired["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}
    mixed = logs.put_log_events(
        logGroupName="/ecs/app",
        logStreamName="a",
        logEvents=[
            {"timestamp": now_ms, "message": "now"},
            {"timestamp": now_ms + 3 * 3_600_000, "message": "too new"},
        ],
    )
    assert mixed["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 1}
    assert messages(get(logs)) == ["now"]


@pytest.mark.parametrize(
    "events",
    [
        [(10, "later"), (0, "earlier")],
        [(0, "a"), (DAY_MS + 1, "more than a day on")],
        [(0, "x" * 1_048_570)],
    ],
)
def test_an_upload_that_breaks_the_rules_is_refused_whole(logs, now_ms, events):
    shaped = [{"timestamp": now_ms - 2 * DAY_MS + offset, "message": message} for offset, message in events]
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.put_log_events(logGroupName="/ecs/app", logStreamName="a", logEvents=shaped)
    assert messages(get(logs)) == []


def test_filtering_finds_matching_events_of_all_or_some_streams(logs, now_ms):
    logs.create_log_stream(logGroupName="/ecs/app", logStreamName="b")
    put(logs, now_ms, "ERROR one", "INFO two")
    put(logs, now_ms + 1, "ERROR three", '{"level": "error", "code": 7}', stream="b")

    def find(**options: Any) -> list[tuple[str, str]]:
        found = logs.filter_log_events(logGroupName="/ecs/app", **options)
        return [(event["logStreamName"], event["message"]) for event in found["events"]]

    assert find(filterPattern="ERROR") == [("a", "ERROR one"), ("b", "ERROR three")]
    assert find(filterPattern="ERROR", logStreamNames=["a"]) == [("a", "ERROR one")]
    assert find(filterPattern="ERROR", logStreamNamePrefix="b") == [("b", "ERROR three")]
    assert find(filterPattern="{ $.code = 7 }") == [("b", '{"level": "error", "code": 7}')]
    assert find(endTime=now_ms) == [("a", "ERROR one")]
    with pytest.raises(logs.exceptions.InvalidParameterException):
        find(filterPattern="{ $.a ")
    with pytest.raises(logs.exceptions.InvalidParameterException):
        find(logStreamNames=["a"], logStreamNamePrefix="b")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        find(logStreamNames=["none"])


def test_filtering_pages_until_there_is_nothing_more(logs, now_ms):
    put(logs, now_ms, *(f"match {number}" if number % 2 else "other" for number in range(9)))
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName="/ecs/app", filterPattern="match", PaginationConfig={"PageSize": 3}
    )
    found = [event for page in pages for event in page["events"]]
    assert [event["message"] for event in found] == [f"match {number}" for number in (1, 3, 5, 7)]
    assert len({event["eventId"] for event in found}) == 4


def test_groups_are_described_by_prefix_and_page(logs, now_ms):
    put(logs, now_ms, "12345")
    for name in ("/ecs/b", "/ecs/c", "other"):
        logs.create_log_group(logGroupName=name, tags={"team": "x"})
    described = logs.describe_log_groups(logGroupNamePrefix="/ecs/", limit=2)
    assert [group["logGroupName"] for group in described["logGroups"]] == ["/ecs/app", "/ecs/b"]
    assert described["logGroups"][0]["storedBytes"] == 31
    assert described["logGroups"][0]["arn"].endswith(":log-group:/ecs/app:*")
    rest = logs.describe_log_groups(logGroupNamePrefix="/ecs/", limit=2, nextToken=described["nextToken"])
    assert [group["logGroupName"] for group in rest["logGroups"]] == ["/ecs/c"]
    with pytest.raises(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName="other")


def test_streams_are_described_by_name_or_by_their_last_event(logs, now_ms):
    for name in "bc":
        logs.create_log_stream(logGroupName="/ecs/app", logStreamName=name)
    put(logs, now_ms, "x", stream="c")
    put(logs, now_ms + 5, "x", stream="a")

    def names(**options: Any) -> list[str]:
        pages = logs.get_paginator("describe_log_streams").paginate(
            logGroupName="/ecs/app", PaginationConfig={"PageSize": 2}, **options
        )
        return [stream["logStreamName"] for page in pages for stream in page["logStreams"]]

    assert names() == ["a", "b", "c"]
    assert names(descending=True) == ["c", "b", "a"]
    assert names(orderBy="LastEventTime", descending=True) == ["a", "c", "b"]
    assert names(logStreamNamePrefix="b") == ["b"]
    (stream,) = logs.describe_log_streams(logGroupName="/ecs/app", logStreamNamePrefix="a")["logStreams"]
    assert stream["lastEventTimestamp"] == now_ms + 5
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.describe_log_streams(logGroupName="/ecs/app", logStreamNamePrefix="a", orderBy="LastEventTime")


def test_what_is_not_there_is_said_so(logs):
    with pytest.raises(ClientError, match="The specified log group does not exist"):
        logs.get_log_events(logGroupName="none", logStreamName="a")
    with pytest.raises(ClientError, match="The specified log stream does not exist"):
        logs.get_log_events(logGroupName="/ecs/app", logStreamName="none")
    for call in (logs.delete_log_group, logs.describe_log_streams):
        with pytest.raises(logs.exceptions.ResourceNotFoundException):
            call(logGroupName="none")
    with pytest.raises(logs.exceptions.InvalidParameterException):
        get(logs, nextToken="nonsense")


def test_what_is_deleted_is_gone_and_can_be_made_again_empty(logs, now_ms):
    put(logs, now_ms, "x")
    logs.delete_log_stream(logGroupName="/ecs/app", logStreamName="a")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        put(logs, now_ms, "x")
    logs.create_log_stream(logGroupName="/ecs/app", logStreamName="a")
    assert messages(get(logs)) == []
    put(logs, now_ms, "y")
    logs.delete_log_group(logGroupName="/ecs/app")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        put(logs, now_ms, "z")


def test_retention_is_one_of_awss_periods(logs, now_ms):
    put(logs, now_ms - 5 * DAY_MS, "old")
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.put_retention_policy(logGroupName="/ecs/app", retentionInDays=2)
    logs.put_retention_policy(logGroupName="/ecs/app", retentionInDays=3)
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 3
    assert messages(get(logs)) == []
    logs.delete_retention_policy(logGroupName="/ecs/app")
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]


def test_tags_by_name_and_by_arn_are_the_same(logs):
    arn = logs.describe_log_groups()["logGroups"][0]["logGroupArn"]
    logs.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
    logs.tag_log_group(logGroupName="/ecs/app", tags={"c": "3"})
    logs.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2", "c": "3"}
    logs.untag_log_group(logGroupName="/ecs/app", tags=["b"])
    assert logs.list_tags_log_group(logGroupName="/ecs/app")["tags"] == {"c": "3"}


def test_a_live_tail_hears_events_as_they_are_put(logs, now_ms, account):
    from aws_api.core import bus
    from aws_api.core.execution import process_loop

    async def hear(listening: asyncio.Event) -> bytes:
        async with bus.subscription(f"logs.{account.account_id}.us-east-1./ecs/app") as heard:
            listening.set()
            return await asyncio.wait_for(heard.get(), 10)

    async def begin() -> "tuple[asyncio.Event, asyncio.Task[bytes]]":
        listening = asyncio.Event()
        return listening, asyncio.create_task(hear(listening))

    async def finish(task: "asyncio.Task[bytes]") -> bytes:
        return await task

    listening, task = asyncio.run_coroutine_threadsafe(begin(), process_loop()).result(5)
    asyncio.run_coroutine_threadsafe(listening.wait(), process_loop()).result(5)
    put(logs, now_ms, "live")
    told = json.loads(asyncio.run_coroutine_threadsafe(finish(task), process_loop()).result(15))
    assert told["logStreamName"] == "a"
    assert told["logEvents"][0]["message"] == "live"


def test_internal_callers_put_events_through_invoke(logs, now_ms, context):
    from aws_api.core.invoke import invoke

    request = {
        "logGroupName": "/ecs/app",
        "logStreamName": "a",
        "logEvents": [{"timestamp": now_ms, "message": "from a worker"}],
    }
    invoke(context, "logs", "PutLogEvents", request)
    assert messages(get(logs)) == ["from a worker"]
