"""The life of streams: opened and closed with their table's settings, cut into shards, trimmed after a day.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

import orjson
from django.db import transaction
from django.db.models import Max

from aws_api.core.item_streams import ItemRecord, ItemStream, StreamShard
from aws_api.services.dynamodb.attribute_values import item_with_blobs
from aws_api.services.dynamodb.models import Shard, Stream, StreamRecord, Table

SHARD_AGE = timedelta(hours=4)
RETENTION = timedelta(hours=24)
#: Shards of one stream that are looked at: with a new one every four hours a day has six, and each change of the
#: table's settings makes one more.
MAX_SHARDS = 1000
_TRIMMED_AT_ONCE = 10_000


def open_stream(table: Table, now: datetime) -> None:
    """Begin the stream that a table's settings ask for. The table's row must be locked or new."""
    specification = table.document["StreamSpecification"]
    label = now.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    table.document["StreamLabel"] = label
    stream = Stream.objects.create(
        account_id=table.account_id,
        region=table.region,
        document={"KeySchema": table.document["KeySchema"]},
        created_at=now,
        table_id=table.pk,
        table_name=table.name,
        label=label,
        view_type=specification["StreamViewType"],
    )
    _open_shard(stream, parent_id="", now=now)


def close_stream(table: Table, now: datetime) -> None:
    """End a table's stream, which can be read for another day. The table's row must be locked."""
    stream = Stream.objects.select_for_update().filter(table_id=table.pk, ended_at=None).first()
    if stream is not None:
        _close_shard(stream, now)
        Stream.objects.filter(pk=stream.pk).update(ended_at=now)


def tend_streams(now: datetime) -> None:
    """Open a new shard where one is open for long; forget records, shards and streams that are too old."""
    for stream_id in Shard.objects.filter(last=None, opened_at__lte=now - SHARD_AGE).values_list("stream", flat=True):
        with transaction.atomic():
            stream = Stream.objects.select_for_update().get(pk=stream_id)
            if shard := stream.shards.filter(last=None, opened_at__lte=now - SHARD_AGE).first():
                _close_shard(stream, now)
                _open_shard(stream, parent_id=shard.shard_id, now=now)
    horizon = now - RETENTION
    for stream in Stream.objects.all().iterator():
        _trim(stream, horizon)
    Shard.objects.filter(closed_at__lt=horizon).delete()
    Stream.objects.filter(ended_at__lt=horizon).delete()


def _trim(stream: Stream, horizon: datetime) -> None:
    # Records are in the order of their times as good as always; the numbers are what they are found by.
    oldest = StreamRecord.objects.filter(stream_id=stream.pk).order_by("sequence")[:_TRIMMED_AT_ONCE]
    last = 0
    for sequence, at in oldest.values_list("sequence", "at").iterator():
        if at >= horizon:
            break
        last = sequence
    if last:
        Stream.objects.filter(pk=stream.pk, trimmed__lt=last).update(trimmed=last)
        StreamRecord.objects.filter(stream_id=stream.pk, sequence__lte=last).delete()


def _open_shard(stream: Stream, *, parent_id: str, now: datetime) -> None:
    milliseconds = int(now.timestamp() * 1000)
    stream.shards.create(
        shard_id=f"shardId-{milliseconds:020d}-{secrets.token_hex(4)}",
        parent_id=parent_id,
        first=stream.sequence + 1,
        opened_at=now,
    )


def _close_shard(stream: Stream, now: datetime) -> None:
    """Close the open shard of a stream whose row is locked. One without a record uses up a number, to have an end."""
    shard = stream.shards.get(last=None)
    if stream.sequence < shard.first:
        stream.sequence = shard.first
        Stream.objects.filter(pk=stream.pk).update(sequence=stream.sequence)
    stream.shards.filter(pk=shard.pk).update(last=stream.sequence, closed_at=now)


class StoredStreams:
    """The streams as their rows tell; the reader behind the DynamoDB Streams API."""

    def list(
        self, account_id: str, region: str, *, table_name: str | None, after: str | None, limit: int
    ) -> Sequence[ItemStream]:
        streams = Stream.objects.filter(account_id=account_id, region=region)
        if table_name is not None:
            streams = streams.filter(table_name=table_name)
        ordered = sorted(map(_described, streams), key=lambda stream: stream.arn)
        return [stream for stream in ordered if after is None or stream.arn > after][:limit]

    def find(self, account_id: str, region: str, arn: str) -> ItemStream | None:
        _, _, path = arn.partition(":table/")
        name, _, label = path.partition("/stream/")
        row = Stream.objects.filter(account_id=account_id, region=region, table_name=name, label=label).first()
        return None if row is None or row.arn != arn else _described(row)

    def shards(self, stream: ItemStream) -> Sequence[StreamShard]:
        return [
            StreamShard(shard_id=shard.shard_id, parent_id=shard.parent_id, first=shard.first, last=shard.last)
            for shard in Shard.objects.filter(stream=stream.id).order_by("first")[:MAX_SHARDS]
        ]

    def first_since(self, stream: ItemStream, at: datetime) -> int | None:
        earlier = StreamRecord.objects.filter(stream_id=stream.id, at__lt=at).aggregate(last=Max("sequence"))["last"]
        later = StreamRecord.objects.filter(stream_id=stream.id, sequence__gt=earlier or 0).order_by("sequence")
        first: int | None = later.values_list("sequence", flat=True).first()
        return first

    def read(self, stream: ItemStream, *, first: int, last: int | None, limit: int, size: int) -> Sequence[ItemRecord]:
        rows = StreamRecord.objects.filter(stream_id=stream.id, sequence__gte=first)
        if last is not None:
            rows = rows.filter(sequence__lte=last)
        found = rows.order_by("sequence").values_list("sequence", "at", "record")[:limit]
        return [
            ItemRecord(sequence=sequence, at=at, record=_read(bytes(record)))
            for sequence, at, record in _of_size(found, size)
        ]


def _of_size(rows: Any, size: int) -> Iterator[tuple[int, datetime, bytes]]:
    total = 0

    def fits(row: tuple[int, datetime, bytes]) -> bool:
        nonlocal total
        is_first = not total
        total += len(row[2])
        return is_first or total <= size

    yield from takewhile(fits, rows)


def _read(data: bytes) -> Mapping[str, Any]:
    record: dict[str, Any] = orjson.loads(data)
    told = record["dynamodb"]
    for member in ("Keys", "NewImage", "OldImage"):
        if member in told:
            told[member] = item_with_blobs(told[member])
    return record


def _described(row: Stream) -> ItemStream:
    return ItemStream(
        id=row.pk,
        arn=row.arn,
        label=row.label,
        table_name=row.table_name,
        view_type=row.view_type,
        key_schema=row.document["KeySchema"],
        created_at=row.created_at,
        is_enabled=row.ended_at is None,
        last=row.sequence,
        trimmed=row.trimmed,
    )
