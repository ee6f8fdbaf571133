"""Log events: put, get, filter. All async, on the statements of store.py."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import orjson

from aws_api.core import bus
from aws_api.core.context import Context
from aws_api.core.pagination import BadToken, decode_token, encode_token
from aws_api.services.logs.errors import no_such_stream
from aws_api.services.logs.filter_patterns import InvalidPattern, compile_pattern
from aws_api.services.logs.groups import Place, find_group, find_stream, forget_stream, group_name
from aws_api.services.logs.operations.streams import SEQUENCE_TOKEN
from aws_api.services.logs.service import logs
from aws_api.services.logs.shapes import (
    FilterLogEventsRequest,
    GetLogEventsRequest,
    InvalidParameterException,
    PutLogEventsRequest,
)
from aws_api.services.logs.store import (
    BEGINNING,
    END,
    EVENT_OVERHEAD_BYTES,
    MAX_PAGE_BYTES,
    NewEvents,
    Position,
    Search,
    event_store,
    page,
    scan,
)

MAX_UPLOAD_BYTES = 1_048_576
MAX_EVENTS_PER_UPLOAD = 10_000
MAX_EVENTS_PER_PAGE = 10_000
MAX_STREAMS_PER_SEARCH = 100
#: Events that one FilterLogEvents looks at before it answers with what it has, and a token.
MAX_SCANNED = 100_000
SCAN_CHUNK = 1000

_HOUR_MS = 3_600_000
_MAX_AHEAD_MS = 2 * _HOUR_MS
_MAX_AGE_MS = 14 * 24 * _HOUR_MS
_MAX_SPAN_MS = 24 * _HOUR_MS
_FOREVER_MS = 2**62

_TOKEN = re.compile(r"([fb])/(\d{19})(\d{37})/s")

Event = tuple[int, str]


@logs.operation
async def put_log_events(context: Context, request: PutLogEventsRequest) -> dict[str, Any]:
    """Keep events of a stream, told live to whoever listens to its group.

    Those too new, too old or expired are left out and named in rejectedLogEventsInfo.
    """
    group, stream = request["logGroupName"], request["logStreamName"]
    uploaded = [(event["timestamp"], event["message"]) for event in request["logEvents"]]
    _check_upload(uploaded)
    place = await find_stream(context, group, stream)
    now_ms = context.clock.epoch_ms()
    kept, rejected = _sift(uploaded, now_ms, place)
    if kept:
        await _keep(context, request, place, kept, now_ms)
        await _tell(context, group, stream, kept, now_ms)
    answer: dict[str, Any] = {"nextSequenceToken": SEQUENCE_TOKEN}
    if rejected:
        answer["rejectedLogEventsInfo"] = rejected
    return answer


@logs.operation
async def get_log_events(context: Context, request: GetLogEventsRequest) -> dict[str, Any]:
    """A page of a stream's events and tokens to go on in both directions; at an end the token is the one given."""
    place = await find_stream(context, group_name(request), request["logStreamName"])
    assert place.stream_id is not None
    token, limit = request.get("nextToken"), request.get("limit") or MAX_EVENTS_PER_PAGE
    if token is None:
        is_forward = bool(request.get("startFromHead"))
        position = BEGINNING if is_forward else END
    else:
        is_forward, position = _parse_token(token)
    rows = await page(
        place.stream_id,
        start_ms=max(request.get("startTime") or 0, place.oldest_ms(context.clock.epoch_ms())),
        end_ms=request.get("endTime", _FOREVER_MS),
        position=position,
        is_forward=is_forward,
        limit=limit,
    )
    first = (rows[0]["timestamp_ms"], rows[0]["id"]) if rows else position
    last = (rows[-1]["timestamp_ms"], rows[-1]["id"]) if rows else position
    if not rows and token is None:
        # Nothing yet: going forward begins with whatever comes.
        first = last = BEGINNING
    return {
        "events": [_describe(row) for row in rows],
        "nextForwardToken": _token("f", last),
        "nextBackwardToken": _token("b", first),
    }


@logs.operation
async def filter_log_events(context: Context, request: FilterLogEventsRequest) -> dict[str, Any]:
    """A group's events, of all or some streams, that match a pattern, in order of time."""
    names, prefix = request.get("logStreamNames"), request.get("logStreamNamePrefix")
    if names and prefix:
        raise InvalidParameterException("Must specify only one of logStreamNames or logStreamNamePrefix.")
    try:
        matches = compile_pattern(request.get("filterPattern") or "")
    except InvalidPattern as error:
        raise InvalidParameterException(f"Invalid filter pattern: {error}") from error
    name = group_name(request)
    place = await find_group(context, name)
    for stream in names or ():
        await find_stream(context, name, stream)
    search = Search(
        group_id=place.group_id,
        start_ms=max(request.get("startTime") or 0, place.oldest_ms(context.clock.epoch_ms())),
        # Unlike GetLogEvents', this endTime is inclusive.
        end_ms=request.get("endTime", _FOREVER_MS - 1) + 1,
        stream_names=names or None,
        stream_prefix=prefix or None,
    )
    limit = request.get("limit") or MAX_EVENTS_PER_PAGE
    position = _search_position(request.get("nextToken"))
    found: list[dict[str, Any]] = []
    size_bytes = scanned = 0
    at_end = False
    while len(found) < limit and size_bytes < MAX_PAGE_BYTES and scanned < MAX_SCANNED and not at_end:
        rows = await scan(search, after=position, limit=SCAN_CHUNK)
        at_end = len(rows) < SCAN_CHUNK
        for row in rows:
            if len(found) == limit or size_bytes >= MAX_PAGE_BYTES:
                at_end = False
                break
            position = (row["timestamp_ms"], row["id"])
            scanned += 1
            if matches(row["message"]):
                size_bytes += len(row["message"].encode()) + EVENT_OVERHEAD_BYTES
                found.append(_describe_found(row))
    answer: dict[str, Any] = {"events": found, "searchedLogStreams": []}
    if not at_end:
        answer["nextToken"] = encode_token(position)
    return answer


def _check_upload(events: Sequence[Event]) -> None:
    """Refuse an upload that is too large, out of order or spans more than a day."""
    if len(events) > MAX_EVENTS_PER_UPLOAD:
        raise InvalidParameterException(f"Log events count {len(events)} exceeds the limit of {MAX_EVENTS_PER_UPLOAD}.")
    size = sum(len(message.encode()) + EVENT_OVERHEAD_BYTES for _, message in events)
    if size > MAX_UPLOAD_BYTES:
        raise InvalidParameterException(f"Upload too large: {size} bytes exceeds limit of {MAX_UPLOAD_BYTES}")
    if any(later[0] < earlier[0] for earlier, later in pairwise(events)):
        raise InvalidParameterException("Log events in a single PutLogEvents request must be in chronological order.")
    if events and events[-1][0] - events[0][0] > _MAX_SPAN_MS:
        raise InvalidParameterException(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
        )


def _sift(events: Sequence[Event], now_ms: int, place: Place) -> tuple[list[Event], dict[str, int]]:
    """The events to keep, and RejectedLogEventsInfo. The events are in order, so each kind is one end."""
    too_old = sum(timestamp < now_ms - _MAX_AGE_MS for timestamp, _ in events)
    expired = sum(timestamp < place.oldest_ms(now_ms) for timestamp, _ in events)
    accepted = sum(timestamp <= now_ms + _MAX_AHEAD_MS for timestamp, _ in events)
    rejected: dict[str, int] = {}
    if accepted < len(events):
        rejected["tooNewLogEventStartIndex"] = accepted
    if too_old:
        rejected["tooOldLogEventEndIndex"] = too_old
    if expired > too_old:
        rejected["expiredLogEventEndIndex"] = expired
    # PostgreSQL's text holds no NUL, and neither does anything that reads a log.
    kept = [(timestamp, message.replace("\x00", "")) for timestamp, message in events[max(too_old, expired) : accepted]]
    return kept, rejected


async def _keep(
    context: Context, request: Mapping[str, Any], place: Place, events: Sequence[Event], now_ms: int
) -> None:
    group, stream = request["logGroupName"], request["logStreamName"]
    for _ in range(2):
        assert place.stream_id is not None
        new = NewEvents(group_id=place.group_id, stream_id=place.stream_id, ingested_at_ms=now_ms, events=events)
        if await event_store().put(new):
            return
        # Deleted, and perhaps created again, by another process whose word has not reached this one.
        await forget_stream(context, group, stream)
        place = await find_stream(context, group, stream)
    raise no_such_stream()


async def _tell(context: Context, group: str, stream: str, events: Sequence[Event], now_ms: int) -> None:
    told = [{"timestamp": timestamp, "message": message, "ingestionTime": now_ms} for timestamp, message in events]
    topic = f"logs.{context.account_id}.{context.region}.{group}"
    await bus.publish_async((topic, orjson.dumps({"logStreamName": stream, "logEvents": told})))


def _describe(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"timestamp": row["timestamp_ms"], "message": row["message"], "ingestionTime": row["ingested_at_ms"]}


def _describe_found(row: Mapping[str, Any]) -> dict[str, Any]:
    event_id = f"{row['timestamp_ms']:019d}{row['id']:037d}"
    return {"logStreamName": row["stream_name"], **_describe(row), "eventId": event_id}


def _token(direction: str, position: Position) -> str:
    return f"{direction}/{position[0]:019d}{position[1]:037d}/s"


def _parse_token(token: str) -> tuple[bool, Position]:
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise InvalidParameterException("The specified nextToken is invalid.")
    timestamp_ms, event = int(found.group(2)), int(found.group(3))
    if max(timestamp_ms, event) > 2**63 - 1:
        raise InvalidParameterException("The specified nextToken is invalid.")
    return found.group(1) == "f", (timestamp_ms, event)


def _search_position(token: str | None) -> Position:
    if token is None:
        return BEGINNING
    try:
        timestamp_ms, event = decode_token(token)
        return int(timestamp_ms), int(event)
    except (BadToken, TypeError, ValueError) as error:
        raise InvalidParameterException("The specified nextToken is invalid.") from error
