"""Logs in messages that the server sends: it ends a connection that is sent more than a mebibyte."""

import uuid

from django.template.loader import render_to_string
from hypothesis import given
from hypothesis import strategies as st

from console.message_sizes import MAX_CHARACTERS, MAX_LINE_CHARACTERS, MAX_LINES, latest, portions, shortened

LIMIT = 1024 * 1024
LINES = st.lists(st.integers(0, MAX_LINE_CHARACTERS).map(lambda length: '"' * length), max_size=60)


@given(LINES)
def test_portions_are_all_lines_in_order_and_none_is_too_large(lines: list[str]) -> None:
    found = list(portions(lines, len))
    assert [line for portion in found for line in portion] == lines
    assert all(portion and sum(map(len, portion)) <= MAX_CHARACTERS for portion in found)


@given(LINES)
def test_the_latest_are_the_end_of_what_there_is(lines: list[str]) -> None:
    found = latest(lines, len)
    assert found == lines[len(lines) - len(found) :]
    assert bool(found) == bool(lines)


def test_many_short_lines_are_several_messages() -> None:
    assert [len(portion) for portion in portions(["x"] * (2 * MAX_LINES + 1), len)] == [MAX_LINES, MAX_LINES, 1]


def test_the_largest_message_stays_below_the_servers_limit() -> None:
    worst = shortened('"' * 1_000_000)
    assert worst.endswith("… (980000 more characters)")
    stream = f"web/web/{uuid.uuid4().hex}"
    for line in (worst, '"' * (MAX_CHARACTERS // MAX_LINES), "€" * (MAX_CHARACTERS // MAX_LINES)):
        event = {"timestamp": 1, "logStreamName": stream, "message": line}
        events = latest([event] * 1000, lambda event: len(event["message"]))
        text = render_to_string("console/live/tail.html", {"events": events, "replace": True, "group": "/ecs/shop"})
        assert len(text.encode()) < LIMIT
