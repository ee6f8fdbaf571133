"""Events past their group's retention are deleted, not only hidden."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from aws_api.services.logs import chores
from aws_api.services.logs.models import LogEvent, LogGroup, LogStream

EVENTS = 20


@pytest.fixture
def groups(aws: Any, account: Any) -> dict[str, LogGroup]:
    """A group that keeps its events for a day and one that keeps them for ever, each with a stream of events."""
    logs = aws("logs")
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    for name in ("for-a-day", "for-ever"):
        logs.create_log_group(logGroupName=name)
        logs.create_log_stream(logGroupName=name, logStreamName="stream")
        events = [{"timestamp": now_ms + number, "message": "m" * 100} for number in range(EVENTS)]
        logs.put_log_events(logGroupName=name, logStreamName="stream", logEvents=events)
    logs.put_retention_policy(logGroupName="for-a-day", retentionInDays=1)
    return {group.name: group for group in LogGroup.objects.filter(account_id=account.account_id)}


def test_what_is_past_its_retention_is_deleted_and_counted_out(groups: dict[str, LogGroup]) -> None:
    chores.delete_expired(datetime.now(UTC))
    assert LogEvent.objects.filter(group_id=groups["for-a-day"].pk).count() == EVENTS
    chores.delete_expired(datetime.now(UTC) + timedelta(days=2))
    assert not LogEvent.objects.filter(group_id=groups["for-a-day"].pk).exists()
    assert LogEvent.objects.filter(group_id=groups["for-ever"].pk).count() == EVENTS
    assert LogStream.objects.get(group=groups["for-a-day"]).stored_bytes == 0
    assert LogStream.objects.get(group=groups["for-ever"]).stored_bytes == EVENTS * 126


def test_a_run_deletes_so_many_and_leaves_the_rest_to_the_next(
    groups: dict[str, LogGroup], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chores, "MAX_DELETED", EVENTS - 5)
    later = datetime.now(UTC) + timedelta(days=2)
    events = LogEvent.objects.filter(group_id=groups["for-a-day"].pk)
    left = [EVENTS]
    while left[-1] and len(left) < 10:
        chores.delete_expired(later)
        left.append(events.count())
    assert left == [EVENTS, 5, 0]


def test_it_finds_them_by_index(groups: dict[str, LogGroup]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {chores._EXPIRED}", {"now_ms": 0, "limit": 10, "overhead": 26})
        plan = cursor.fetchone()[0]
        cursor.execute("RESET enable_seqscan")
    text = plan if isinstance(plan, str) else json.dumps(plan)
    assert "logs_event_of_group" in text
