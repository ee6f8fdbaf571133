"""Finding groups and streams: rows for plain operations, ids kept per process for hot ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import transaction

from aws_api.core import database
from aws_api.core.caching import MetadataCache
from aws_api.core.context import Context
from aws_api.services.logs.errors import no_such_group, no_such_stream
from aws_api.services.logs.models import LogGroup
from aws_api.services.logs.shapes import InvalidParameterException

_DAY_MS = 86_400_000

#: (account id, region, group name, stream name); the stream's name is empty for the group itself.
Key = tuple[str, str, str, str]
#: Its text is empty, which makes the cache drop everything.
_EVERYTHING: Key = ("", "", "", "")

_SELECT = """
    SELECT logs_loggroup.id AS group_id, logs_loggroup.retention_days, logs_logstream.id AS stream_id
    FROM logs_loggroup LEFT JOIN logs_logstream ON logs_logstream.group_id = logs_loggroup.id
        AND logs_logstream.name = $4
    WHERE account_id = $1 AND region = $2 AND logs_loggroup.name = $3
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where events go to or come from. ``stream_id`` is None for a whole group."""

    group_id: int
    stream_id: int | None
    retention_days: int | None

    def oldest_ms(self, now_ms: int) -> int:
        """The time before which events count as gone."""
        return 0 if self.retention_days is None else now_ms - self.retention_days * _DAY_MS


def group_name(request: Mapping[str, Any]) -> str:
    """The group that a request names: ``logGroupName``, or its name or ARN as ``logGroupIdentifier``."""
    name, identifier = request.get("logGroupName"), request.get("logGroupIdentifier")
    if name and identifier:
        raise InvalidParameterException("LogGroup name and LogGroup ARN are mutually exclusive parameters.")
    if not name and not identifier:
        raise InvalidParameterException("Must specify either logGroupName or logGroupIdentifier.")
    return str(name) if name else name_in_arn(str(identifier))


def name_in_arn(identifier: str) -> str:
    """The group's name in its ARN, with or without the ``:*``; a name stays a name."""
    if not identifier.startswith("arn:"):
        return identifier
    resource = identifier.partition(":log-group:")[2]
    if not resource:
        raise InvalidParameterException(f"Invalid ARN: {identifier}")
    return resource.removesuffix(":*")


def group_row(context: Context, name: str, *, lock: bool = False) -> LogGroup:
    """The group's row. Raises ResourceNotFoundException."""
    rows = LogGroup.objects.select_for_update() if lock else LogGroup.objects
    row = rows.filter(account_id=context.account_id, region=context.region, name=name).first()
    if row is None:
        raise no_such_group()
    return row


async def find_group(context: Context, name: str) -> Place:
    """The place of a whole group. Raises ResourceNotFoundException."""
    row = await database.fetch_row(_SELECT, context.account_id, context.region, name, "")
    if row is None:
        raise no_such_group()
    return Place(group_id=row["group_id"], stream_id=None, retention_days=row["retention_days"])


async def find_stream(context: Context, group: str, stream: str) -> Place:
    """The place of a stream. Raises ResourceNotFoundException for the group or the stream."""
    place = await _cache.get((context.account_id, context.region, group, stream))
    if place is None:
        await find_group(context, group)
        raise no_such_stream()
    return place


def forget_streams_on_commit() -> None:
    """Let every process look streams up anew, once the change to a group or stream is committed."""
    transaction.on_commit(partial(_cache.invalidate, _EVERYTHING))


async def forget_stream(context: Context, group: str, stream: str) -> None:
    """Let every process look a stream up anew, from the event loop."""
    await _cache.invalidate_async((context.account_id, context.region, group, stream))


async def _load(key: Key) -> Place | None:
    row = await database.fetch_row(_SELECT, *key)
    if row is None or row["stream_id"] is None:
        return None
    return Place(group_id=row["group_id"], stream_id=row["stream_id"], retention_days=row["retention_days"])


def _key_text(key: Key) -> str:
    return "\n".join(key) if key[0] else ""


_cache: MetadataCache[Key, Place] = MetadataCache("logs.streams", _load, _key_text)
