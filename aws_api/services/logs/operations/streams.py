"""Log streams: create, describe, delete."""

import re
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from aws_api.core.context import Context
from aws_api.core.pagination import BadToken, decode_token, encode_token
from aws_api.services.logs.errors import no_such_stream
from aws_api.services.logs.groups import forget_streams_on_commit, group_name, group_row
from aws_api.services.logs.models import LogEvent, LogStream
from aws_api.services.logs.service import logs
from aws_api.services.logs.shapes import (
    CreateLogStreamRequest,
    DeleteLogStreamRequest,
    DescribeLogStreamsRequest,
    InvalidParameterException,
    ResourceAlreadyExistsException,
)

MAX_STREAMS_PER_PAGE = 50
#: What PutLogEvents and DescribeLogStreams call the sequence token, which nobody needs any more.
SEQUENCE_TOKEN = "49" + "0" * 54

_NAME = re.compile(r"[^:*]{1,512}")


@logs.operation
def create_log_stream(context: Context, request: CreateLogStreamRequest) -> None:
    """Create a log stream in a group. Raises ResourceAlreadyExistsException."""
    group, name = group_row(context, request["logGroupName"]), request["logStreamName"]
    if not _NAME.fullmatch(name):
        raise InvalidParameterException(f"Log stream name '{name}' is invalid.")
    _, created = LogStream.objects.get_or_create(
        group=group, name=name, defaults={"created_at_ms": context.clock.epoch_ms()}
    )
    if not created:
        raise ResourceAlreadyExistsException("The specified log stream already exists")


@logs.operation
def delete_log_stream(context: Context, request: DeleteLogStreamRequest) -> None:
    """Delete a log stream with its events."""
    group = group_row(context, request["logGroupName"])
    row = LogStream.objects.select_for_update().filter(group=group, name=request["logStreamName"]).first()
    if row is None:
        raise no_such_stream()
    stream_id = row.pk
    row.delete()
    LogEvent.objects.filter(stream_id=stream_id).delete()
    transaction.on_commit(partial(_delete_events, stream_id))
    forget_streams_on_commit()


@logs.operation
def describe_log_streams(context: Context, request: DescribeLogStreamsRequest) -> dict[str, Any]:
    """A group's streams, by name or by the time of their last event."""
    group = group_row(context, group_name(request))
    prefix, by_time = request.get("logStreamNamePrefix"), request.get("orderBy") == "LastEventTime"
    if prefix and by_time:
        raise InvalidParameterException("Cannot order by LastEventTime with a logStreamNamePrefix.")
    limit = request.get("limit") or MAX_STREAMS_PER_PAGE
    rows = LogStream.objects.filter(group=group, name__startswith=prefix or "")
    # Streams without events come before all others.
    rows = rows.annotate(place=Coalesce(F("last_event_ms"), Value(-1)) if by_time else Value(0))
    page = list(_after(rows, request.get("nextToken"), descending=bool(request.get("descending")))[: limit + 1])
    answer: dict[str, Any] = {"logStreams": [_describe(group.arn, row) for row in page[:limit]]}
    if len(page) > limit:
        last: Any = page[limit - 1]
        answer["nextToken"] = encode_token([last.place, last.name])
    return answer


def _after(rows: QuerySet[Any], token: str | None, *, descending: bool) -> QuerySet[Any]:
    """The rows beyond a token's, in order; ``place`` is annotated, so that the type cannot tell."""
    if token:
        try:
            place, name = decode_token(token)
        except (BadToken, TypeError, ValueError) as damaged:
            raise InvalidParameterException("The specified nextToken is invalid.") from damaged
        if descending:
            rows = rows.filter(Q(place__lt=place) | Q(place=place, name__lt=name))
        else:
            rows = rows.filter(Q(place__gt=place) | Q(place=place, name__gt=name))
    return rows.order_by("-place", "-name") if descending else rows.order_by("place", "name")


def _describe(group_arn: str, row: LogStream) -> dict[str, Any]:
    described: dict[str, Any] = {
        "logStreamName": row.name,
        "creationTime": row.created_at_ms,
        "arn": f"{group_arn}:log-stream:{row.name}",
        "storedBytes": 0,  # AWS has answered 0 for streams since 2019
    }
    if row.last_event_ms is not None:
        described |= {
            "firstEventTimestamp": row.first_event_ms,
            "lastEventTimestamp": row.last_event_ms,
            "lastIngestionTime": row.ingested_at_ms,
            "uploadSequenceToken": SEQUENCE_TOKEN,
        }
    return described


def _delete_events(stream_id: int) -> None:
    LogEvent.objects.filter(stream_id=stream_id).delete()
