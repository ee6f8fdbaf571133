"""Where a container's output goes: its LogDestination, and a bounded tail in Valkey that the console shows live.

The watcher appends; whoever wants history and what follows reads from an entry id on. A tail keeps about its last
5000 lines, for a day after the last of them.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import orjson
import redis
import redis.asyncio
from django.conf import settings

from aws_api.core.containers import LogLine

MAX_LINES = 5000
MAX_READ = 1000
_EXPIRY_S = 24 * 3600
#: The id before the first entry.
START = "0-0"


@dataclass(frozen=True, kw_only=True)
class LogDestination:
    """The log stream of a container with the ``awslogs`` driver; its label LABEL_LOGS carries this as JSON.

    A line that has ``first_line_pattern`` begins a log event, and those that do not belong to it; empty, each line is
    one. ``buffer_bytes`` is what may wait to be shipped before lines are dropped; 0 drops none, however long it takes.
    """

    account_id: str
    region: str
    group: str
    stream: str
    first_line_pattern: str = ""
    buffer_bytes: int = 0

    def to_json(self) -> str:
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def from_json(cls, text: str) -> "LogDestination":
        return cls(**orjson.loads(text))


@dataclass(frozen=True, kw_only=True)
class TailEntry:
    """A line of a tail; ``id`` is what to read on from."""

    id: str
    line: LogLine


async def append(container_name: str, lines: Sequence[LogLine]) -> None:
    """Add lines to a container's tail. Raises redis.ConnectionError where Valkey is away."""
    key = _key(container_name)
    async with _client(id(asyncio.get_running_loop())).pipeline(transaction=False) as pipeline:
        for line in lines[-MAX_LINES:]:
            fields: dict[str | bytes, str | int] = {"at": line.at_ns, "stream": line.stream, "message": line.message}
            pipeline.xadd(key, fields, maxlen=MAX_LINES, approximate=True)  # type: ignore[arg-type]
        pipeline.expire(key, _EXPIRY_S)
        await pipeline.execute()


async def read(container_name: str, after_id: str = START, block_ms: int | None = None) -> list[TailEntry]:
    """At most MAX_READ entries after an id. With ``block_ms`` waits that long for the first; empty where none came."""
    client = _client(id(asyncio.get_running_loop()))
    try:
        found: Any = await client.xread({_key(container_name): after_id}, count=MAX_READ, block=block_ms)
    except redis.TimeoutError:
        return []
    entries = found[0][1] if found else []
    return [_entry(entry_id, fields) for entry_id, fields in entries]


async def latest(container_name: str, count: int) -> list[TailEntry]:
    """The last lines, oldest of them first. Raises redis.ConnectionError where Valkey is away."""
    client = _client(id(asyncio.get_running_loop()))
    entries: Any = await client.xrevrange(_key(container_name), count=min(count, MAX_READ))
    return [_entry(entry_id, fields) for entry_id, fields in reversed(entries)]


async def remove(container_name: str) -> None:
    """Forget a container's tail."""
    await _client(id(asyncio.get_running_loop())).delete(_key(container_name))


def _entry(entry_id: bytes, fields: Any) -> TailEntry:
    line = LogLine(at_ns=int(fields[b"at"]), stream=fields[b"stream"].decode(), message=fields[b"message"].decode())
    return TailEntry(id=entry_id.decode(), line=line)


@cache
def _client(_loop_id: int) -> redis.asyncio.Redis:
    return redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_timeout=None, socket_connect_timeout=2)


def _key(container_name: str) -> str:
    return f"simfra:{settings.SIMFRA_INSTANCE}:log:{container_name}"
