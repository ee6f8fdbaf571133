"""Port of DynamoDB Streams: the service that answers for them reads what the service of the tables wrote."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True)
class ItemStream:
    """A stream of a table's changes. ``trimmed`` is the number of the last record that is kept no more."""

    id: int
    arn: str
    label: str
    table_name: str
    view_type: str
    key_schema: Sequence[Mapping[str, str]]
    created_at: datetime
    is_enabled: bool
    last: int
    trimmed: int


@dataclass(frozen=True, kw_only=True)
class StreamShard:
    """A stretch of a stream's records. ``last`` is None while it is open; ``parent_id`` is empty for the first."""

    shard_id: str
    parent_id: str
    first: int
    last: int | None


@dataclass(frozen=True, kw_only=True)
class ItemRecord:
    """A change: its number, its time, and the record in AWS's shape but for these."""

    sequence: int
    at: datetime
    record: Mapping[str, Any]


class ItemStreams(Protocol):
    """Reads the streams of an account and region."""

    def list(
        self, account_id: str, region: str, *, table_name: str | None, after: str | None, limit: int
    ) -> Sequence[ItemStream]:
        """Streams in the order of their ARNs, from the one after an ARN on."""

    def find(self, account_id: str, region: str, arn: str) -> ItemStream | None:
        """The stream of an ARN."""

    def shards(self, stream: ItemStream) -> Sequence[StreamShard]:
        """All shards of a stream, the oldest first."""

    def first_since(self, stream: ItemStream, at: datetime) -> int | None:
        """The number of the first record that is not older than a time."""

    def read(self, stream: ItemStream, *, first: int, last: int | None, limit: int, size: int) -> Sequence[ItemRecord]:
        """The next records, at most so many and, but for the first, of so many bytes."""


_streams: ItemStreams | None = None


def register_item_streams(streams: ItemStreams) -> None:
    """Say who reads the streams; called by the ports module of the service that writes them."""
    global _streams  # noqa: PLW0603 - there is one
    _streams = streams


def item_streams() -> ItemStreams:
    """The reader of the streams."""
    assert _streams is not None, "no service registered its streams"
    return _streams
