"""Containers' output: nothing is lost, and nothing comes twice, whoever restarts."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from aws_api.core import log_tail
from aws_api.core.containers import LABEL_LOGS, ContainerState, LogLine, ObservedContainer
from aws_api.core.database import fetch_row
from aws_api.core.execution import run_on_loop
from aws_api.core.log_tail import LogDestination
from workers.docker.output import OutputDecoder
from workers.shipping import LINE_OVERHEAD_BYTES, MAX_BATCH_BYTES, MAX_MESSAGE_BYTES, Position, Shipper, log_events


def line(at_ns: int, message: str, stream: str = "stdout") -> LogLine:
    return LogLine(at_ns=at_ns, stream=stream, message=message)


def follower(lines: list[LogLine]) -> Callable[[str, int], AsyncIterator[list[LogLine]]]:
    """What an engine has of a container's output, in two pieces."""

    async def follow(_container_id: str, since_ns: int) -> AsyncIterator[list[LogLine]]:
        found = [each for each in lines if each.at_ns >= since_ns]
        for piece in (found[: len(found) // 2], found[len(found) // 2 :]):
            yield piece

    return follow


def container(key: str, destination: LogDestination | None = None) -> ObservedContainer:
    labels = {LABEL_LOGS: destination.to_json()} if destination else {}
    return ObservedContainer(id=key * 5, name=key, image="app", state=ContainerState.RUNNING, labels=labels)


def ship(made: ObservedContainer, lines: list[LogLine]) -> None:
    run_on_loop(Shipper(made, follower(lines)).run())


def tail(name: str) -> list[str]:
    return [entry.line.message for entry in run_on_loop(log_tail.read(name))]


def test_every_line_arrives_once_in_its_order(database: None, key: str) -> None:
    lines = [line(number, f"line {number}") for number in range(1, 101)]
    ship(container(key), lines)
    assert tail(key) == [each.message for each in lines]


def test_a_restart_goes_on_behind_the_last_line_that_was_shipped(database: None, key: str) -> None:
    lines = [line(10, "a"), line(20, "b"), line(20, "c")]
    ship(container(key), lines)
    lines += [line(20, "d"), line(19, "e", "stderr"), line(30, "f")]
    ship(container(key), lines)
    ship(container(key), lines)
    assert tail(key) == ["a", "b", "c", "d", "e", "f"]


def test_output_that_was_rotated_away_does_not_hide_what_came_after(database: None, key: str) -> None:
    ship(container(key), [line(10, "a"), line(10, "b")])
    ship(container(key), [line(50, "c")])
    assert tail(key) == ["a", "b", "c"]


def test_the_end_is_written_down_for_who_waits_to_remove_the_container(database: None, key: str) -> None:
    made = container(key)
    ship(made, [line(10, "a")])
    run_on_loop(Shipper(made, follower([])).finish())
    row = run_on_loop(fetch_row("SELECT at_ns, finished FROM workers_logcursor WHERE container_id = $1", made.id))
    assert (row["at_ns"], row["finished"]) == (10, True)


def test_lines_reach_the_log_stream_with_their_times(aws: Callable[..., Any], account: Any, key: str) -> None:
    logs = aws("logs")
    logs.create_log_group(logGroupName="/ecs/app")
    logs.create_log_stream(logGroupName="/ecs/app", logStreamName="app/1")
    destination = LogDestination(account_id=account.account_id, region="us-east-1", group="/ecs/app", stream="app/1")
    logs_at = time.time_ns() // 1_000_000
    now_ns = logs_at * 1_000_000
    ship(container(key, destination), [line(now_ns, "one"), line(now_ns + 5_000_000, ""), line(now_ns + 1, "two")])
    events = logs.get_log_events(logGroupName="/ecs/app", logStreamName="app/1", startFromHead=True)["events"]
    assert [(event["timestamp"], event["message"]) for event in events] == [(logs_at, "one"), (logs_at, "two")]


def test_a_log_group_that_was_deleted_stops_nobody(account: Any, key: str) -> None:
    destination = LogDestination(account_id=account.account_id, region="us-east-1", group="gone", stream="gone")
    ship(container(key, destination), [line(10, "a")])
    assert tail(key) == ["a"]


def test_batches_keep_within_the_limits_of_put_log_events() -> None:
    lines = [line(number, "x" * 200_000) for number in range(20)]
    batches = list(log_events(lines))
    assert [len(batch) for batch in batches] == [5, 5, 5, 5]
    assert all(sum(len(str(event["message"])) + 26 for event in batch) <= MAX_BATCH_BYTES for batch in batches)
    assert [len(batch) for batch in log_events([line(number, "x") for number in range(10_001)])] == [10_000, 1]
    day_ns = 24 * 3600 * 1_000_000_000
    assert [len(batch) for batch in log_events([line(0, "x"), line(day_ns + 1_000_000, "y")])] == [1, 1]


def test_events_are_in_order_of_time_whatever_the_streams_order() -> None:
    (batch,) = log_events([line(3_000_000, "late", "stderr"), line(1_000_000, "early")])
    assert [event["message"] for event in batch] == ["early", "late"]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_frames_are_read_however_they_are_cut(size: int) -> None:
    stamps = ["2026-11-22T10:00:00.000000001Z", "2026-11-22T10:00:00.000000002Z"]
    texts = [
        (1, f"{stamps[0]} out\n"),
        (2, f"{stamps[1]} err\n"),
        (1, f"{stamps[1]} long "),
        (1, f"{stamps[1]} line\n"),
    ]
    data = b"".join(bytes([kind, 0, 0, 0]) + len(text).to_bytes(4, "big") + text.encode() for kind, text in texts)
    decoder = OutputDecoder(has_terminal=False)
    lines = [each for start in range(0, len(data), size) for each in decoder.feed(data[start : start + size])]
    assert [(each.stream, each.message, each.at_ns % 10) for each in lines] == [
        ("stdout", "out", 1),
        ("stderr", "err", 2),
        ("stdout", "long line", 2),
    ]


def test_a_terminals_output_has_no_frames() -> None:
    decoder = OutputDecoder(has_terminal=True)
    lines = decoder.feed(b"2026-11-22T10:00:00.000000001Z one\r\n2026-11-22T10:00:00.000000002Z tw")
    assert [each.message for each in lines] == ["one"]
    assert [each.message for each in decoder.finish()] == ["tw"]


def test_a_position_counts_lines_of_one_moment() -> None:
    position = Position()
    for each in (line(1, "a"), line(2, "b"), line(2, "c")):
        position.pass_by(each)
    assert (position.at_ns, position.count) == (2, 2)
    resumed = Position(2, 2)
    assert [resumed.is_new(line(at_ns, "")) for at_ns in (1, 2, 2, 2, 1, 3)] == [False, False, False, True, True, True]


@pytest.mark.parametrize("has_terminal", [False, True])
def test_a_line_longer_than_a_log_event_is_cut_evenly(has_terminal: bool) -> None:
    stamp, text = b"2026-11-22T10:00:00.000000001Z ", b"x" * 600_000
    decoder = OutputDecoder(has_terminal=has_terminal)
    if has_terminal:
        lines = decoder.feed(stamp + text + b"\r\n")
    else:
        lines = []
        for start in range(0, len(text), 16384):
            piece = text[start : start + 16384]
            frame = stamp + piece + (b"\n" if start + len(piece) == len(text) else b"")
            lines += decoder.feed(b"\1\0\0\0" + len(frame).to_bytes(4, "big") + frame)
    sizes = [MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES, 600_000 - 2 * MAX_MESSAGE_BYTES]
    assert [len(each.message) for each in lines] == sizes
    assert [len(str(event["message"])) for batch in log_events(lines) for event in batch] == sizes
    assert decoder.finish() == []


@pytest.mark.parametrize("size", [1, 100, 16384, 10**6])
def test_a_terminals_long_line_arrives_without_dockers_times_in_it(size: int) -> None:
    stamps = [b"2026-11-22T10:00:00.00000000%dZ " % number for number in range(4)]
    # A time of the program's own, and half a character at a piece's end, which Docker writes as three bytes for one.
    text = b"2026-11-22T09:00:00.000000000Z " + b"x" * 40_000
    pieces = [text[:16384], text[16384:32767] + "\ufffd".encode(), "\ufffd".encode() + text[32767:]]
    data = b"".join(stamp + piece for stamp, piece in zip(stamps, pieces, strict=False))
    data += b"\r\n" + stamps[3] + b"next\r\n"
    decoder = OutputDecoder(has_terminal=True)
    lines = [each for start in range(0, len(data), size) for each in decoder.feed(data[start : start + size])]
    assert [each.message for each in lines] == [b"".join(pieces).decode(), "next"]
    assert [each.at_ns % 10 for each in lines] == [0, 3]
    assert decoder.finish() == []


def shipped(logs: Any, made: ObservedContainer, lines: list[LogLine]) -> list[str]:
    ship(made, lines)
    events = logs.get_log_events(logGroupName="/ecs/app", logStreamName="app/1", startFromHead=True)["events"]
    return [event["message"] for event in events]


@pytest.fixture
def logs(aws: Callable[..., Any]) -> Any:
    client = aws("logs")
    client.create_log_group(logGroupName="/ecs/app")
    client.create_log_stream(logGroupName="/ecs/app", logStreamName="app/1")
    return client


def destination_of(account: Any, **options: Any) -> LogDestination:
    where = {"account_id": account.account_id, "region": "us-east-1", "group": "/ecs/app", "stream": "app/1"}
    return LogDestination(**where, **options)


def test_lines_of_one_event_are_together_in_the_log_stream_and_apart_in_the_console(
    logs: Any, account: Any, key: str
) -> None:
    made = container(key, destination_of(account, first_line_pattern="^(INFO|ERROR)"))
    now_ns = time.time_ns()
    texts = ["no first line", "INFO started", "ERROR failed", "  at one", "  at two", "INFO ended"]
    lines = [line(now_ns + number, text) for number, text in enumerate(texts)]
    assert shipped(logs, made, lines) == [
        "no first line\n",
        "INFO started\n",
        "ERROR failed\n  at one\n  at two\n",
        "INFO ended\n",
    ]
    assert tail(key) == texts
    assert shipped(logs, made, lines)[4:] == [], "a restart repeats nothing"


def test_an_event_that_nothing_follows_is_shipped_after_a_while(logs: Any, account: Any, key: str) -> None:
    made = container(key, destination_of(account, first_line_pattern="^INFO"))
    now_ns = time.time_ns()

    async def quiet(_container_id: str, _since_ns: int) -> AsyncIterator[list[LogLine]]:
        yield [line(now_ns, "INFO one"), line(now_ns + 1, "more")]
        await asyncio.Event().wait()

    async def run() -> list[str]:
        shipping = asyncio.create_task(Shipper(made, quiet).run())
        try:
            async with asyncio.timeout(20):
                while len(found := await log_tail.read(key, block_ms=100)) < 2:
                    pass
            return [entry.line.message for entry in found]
        finally:
            shipping.cancel()
            await asyncio.gather(shipping, return_exceptions=True)

    assert run_on_loop(run()) == ["INFO one", "more"]


def test_the_mode_non_blocking_drops_what_finds_no_room_and_says_how_much(logs: Any, account: Any, key: str) -> None:
    made = container(key, destination_of(account, buffer_bytes=5 * (20 + LINE_OVERHEAD_BYTES)))
    now_ns = time.time_ns()
    lines = [line(now_ns + number // 2, f"{number:03d} " + "x" * 16) for number in range(50)]
    events = shipped(logs, made, lines)
    assert [event[:3] for event in events] == ["000", "001", "002", "003", "004"], "the newest find no room"
    (said,) = [message for message in tail(key) if message.startswith("[")]
    assert said == "[45 lines were dropped: the buffer of the log driver (max-buffer-size) was full]"
    lines.append(line(now_ns + 24, "after"))
    assert shipped(logs, made, lines)[5:] == ["after"], "a restart goes on behind what was dropped"


def test_the_mode_blocking_drops_nothing(logs: Any, account: Any, key: str) -> None:
    now_ns = time.time_ns()
    lines = [line(now_ns + number, "x" * 1000) for number in range(3000)]
    assert len(log_events_of(logs, container(key, destination_of(account)), lines)) == 3000


def log_events_of(logs: Any, made: ObservedContainer, lines: list[LogLine]) -> list[str]:
    ship(made, lines)
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = logs.get_log_events(logGroupName="/ecs/app", logStreamName="app/1", startFromHead=True, **token)
        if not page["events"]:
            return found
        found += [event["message"] for event in page["events"]]
        token = {"nextToken": page["nextForwardToken"]}
