"""CPU and memory of containers, measured while somebody watches and by one measure for all who watch the same.

What was measured since the first of them came is kept, so that who comes later, or again, sees it.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aws_api.core.container_statistics import MAX_NAMES, Statistics, container_statistics

EVERY_S = 2.0
#: What a plot shows, and how many measures that is.
SPAN_S = 300
MAX_SAMPLES = int(SPAN_S / EVERY_S)
#: The engine measures eleven at once, a second each.
MAX_CONTAINERS = 2 * MAX_NAMES
#: Samples that somebody who reads slowly may fall behind.
_MAX_UNREAD = 10

#: Engine names of containers, by the line of the plot that they count for.
Watched = Mapping[str, Sequence[str]]
Source = Callable[[], Awaitable[Watched]]


@dataclass(frozen=True, kw_only=True)
class Use:
    """``cpu_percent`` of one core, and the memory that is not only cache."""

    cpu_percent: float
    memory_bytes: int

    def __add__(self, other: "Use") -> "Use":
        return Use(
            cpu_percent=self.cpu_percent + other.cpu_percent, memory_bytes=self.memory_bytes + other.memory_bytes
        )


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What each line used at a moment, in seconds since 1970."""

    at: float
    uses: Mapping[str, Use]


class _Watch:
    """Measures one source for all who watch it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.samples: deque[Sample] = deque(maxlen=MAX_SAMPLES)
        self.watchers: set[asyncio.Queue[Sample]] = set()
        self.measuring: asyncio.Task[None] | None = None

    async def measure(self) -> None:
        while True:
            began = time.monotonic()
            sample = Sample(at=time.time(), uses=await _measured(await self._source()))
            self.samples.append(sample)
            for watcher in self.watchers:
                if watcher.full():
                    watcher.get_nowait()
                watcher.put_nowait(sample)
            await asyncio.sleep(max(0.1, EVERY_S - (time.monotonic() - began)))


_watches: dict[Hashable, _Watch] = {}


@asynccontextmanager
async def watching(key: Hashable, source: Source) -> AsyncIterator[tuple[list[Sample], "asyncio.Queue[Sample]"]]:
    """What was measured already and a queue of what will be; ``key`` names the source for all who watch it."""
    watch = _watches.setdefault((asyncio.get_running_loop(), key), _Watch(source))
    coming: asyncio.Queue[Sample] = asyncio.Queue(_MAX_UNREAD)
    watch.watchers.add(coming)
    if watch.measuring is None or watch.measuring.done():
        watch.measuring = asyncio.create_task(watch.measure(), name="usage")
    try:
        yield list(watch.samples), coming
    finally:
        watch.watchers.discard(coming)
        if not watch.watchers:
            watch.measuring.cancel()
            _watches.pop((asyncio.get_running_loop(), key), None)


def use_of(statistics: Statistics) -> Use:
    """CPU and memory as ``docker stats`` says them."""
    cpu, before = statistics.get("cpu_stats", {}), statistics.get("precpu_stats", {})
    used = _total(cpu) - _total(before)
    passed = cpu.get("system_cpu_usage", 0) - before.get("system_cpu_usage", 0)
    cores = cpu.get("online_cpus", 1)
    memory = statistics.get("memory_stats", {})
    cache = memory.get("stats", {}).get("inactive_file", memory.get("stats", {}).get("total_inactive_file", 0))
    return Use(
        cpu_percent=round(100 * cores * used / passed, 2) if used > 0 and passed > 0 else 0.0,
        memory_bytes=max(0, memory.get("usage", 0) - cache),
    )


async def _measured(watched: Watched) -> dict[str, Use]:
    names = [name for group in watched.values() for name in group][:MAX_CONTAINERS]
    questions = [names[start : start + MAX_NAMES] for start in range(0, len(names), MAX_NAMES)]
    answers = await asyncio.gather(*map(container_statistics, questions))
    found = {name: use_of(statistics) for answer in answers for name, statistics in answer.items()}
    uses = {}
    for line, group in watched.items():
        if mine := [found[name] for name in group if name in found]:
            uses[line] = sum(mine[1:], start=mine[0])
    return uses


def _total(cpu: Mapping[str, Any]) -> int:
    return int(cpu.get("cpu_usage", {}).get("total_usage", 0))
