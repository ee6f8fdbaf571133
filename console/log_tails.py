"""Log groups as they grow: read and rendered once for all who follow the same group with the same pattern.

Messages of the bus say from when on something is new; events are read from the rows, and told apart by their ids, so
that an event that comes late, or whose message was lost, is shown all the same. Whoever comes, or comes again, begins
with what came lately; whoever reads too slowly begins anew rather than making others wait.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
from django.template.loader import render_to_string

from aws_api.core import bus
from aws_api.core.errors import AwsError
from aws_api.core.execution import run_in_thread
from console.calls import Call, worded
from console.message_sizes import latest, shortened
from console.scope import Scope

#: What a tail begins with, at most.
SHOWN_AT_FIRST = 500
SHOWN_SINCE_MS = 15 * 60_000
#: A burst of events becomes one message; the more follow, the fewer messages.
GATHER_S = 0.1
GATHER_S_A_FOLLOWER = 0.002
MAX_GATHER_S = 1.0
#: Messages of the bus may be lost; so long after the last one it is looked without being told.
LOOK_EVERY_S = 15.0
LATENESS_MS = 60_000
MAX_REMEMBERED = 50_000
MAX_PAGES = 50
#: Messages that a follower may fall behind before it begins anew.
MAX_UNREAD = 20

#: What followers are sent: text, and None when there will be no more.
Messages = asyncio.Queue[str | None]


class _Tail:
    """One group and pattern, for everybody who follows it."""

    def __init__(self, scope: Scope, group: str, pattern: str) -> None:
        self._scope, self._group, self._pattern = scope, group, pattern
        self._latest_ms = scope.context.clock.epoch_ms() - SHOWN_SINCE_MS
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._events: deque[Mapping[str, Any]] = deque(maxlen=SHOWN_AT_FIRST)
        self._has_begun = False
        self.followers: set[Messages] = set()
        self.following = asyncio.create_task(self._follow(), name="log tail")
        self.following.add_done_callback(lambda _: self._tell_all(None))

    def join(self, messages: Messages) -> None:
        """Send to somebody else, too."""
        self.followers.add(messages)
        if self._has_begun:
            messages.put_nowait(self._whole())

    async def _follow(self) -> None:
        topic = f"logs.{self._scope.account_id}.{self._scope.region}.{self._group}"
        try:
            # Listening begins before the first read: what comes between them is told and read again.
            async with bus.subscription(topic) as pending:
                await self._read(self._latest_ms)
                self._has_begun = True
                self._tell_all(self._whole())
                while True:
                    since_ms = await _told_since(pending, self._latest_ms - LATENESS_MS, self._gather_s)
                    if new := await self._read(since_ms):
                        self._tell_all(self._rendered(new, replace=False))
        except AwsError as error:
            self._tell_all(render_to_string("console/live/tail_problem.html", {"problem": worded(error)}))

    @property
    def _gather_s(self) -> float:
        return min(GATHER_S + GATHER_S_A_FOLLOWER * len(self.followers), MAX_GATHER_S)

    def _tell_all(self, message: str | None) -> None:
        for messages in self.followers:
            if messages.full():
                while not messages.empty():
                    messages.get_nowait()
                messages.put_nowait(self._whole())
            else:
                messages.put_nowait(message)

    def _whole(self) -> str:
        return self._rendered(list(self._events), replace=True)

    def _rendered(self, events: list[Mapping[str, Any]], *, replace: bool) -> str:
        shown = latest(events, lambda event: len(event["message"]))
        context = {"events": shown, "replace": replace, "group": self._group}
        return render_to_string("console/live/tail.html", context)

    async def _read(self, since_ms: int) -> list[Mapping[str, Any]]:
        """The events since a time that are new, the last ones of many."""
        found = await run_in_thread(self._new_events, since_ms)
        self._events.extend(found)
        return found

    def _new_events(self, since_ms: int) -> list[Mapping[str, Any]]:
        wanted: dict[str, Any] = {"logGroupName": self._group, "startTime": max(since_ms, 0)}
        if self._pattern:
            wanted["filterPattern"] = self._pattern
        found: deque[Mapping[str, Any]] = deque(maxlen=SHOWN_AT_FIRST)
        for _ in range(MAX_PAGES):
            answer = Call("logs", "FilterLogEvents", wanted).make(self._scope)
            for event in answer["events"]:
                if event["eventId"] not in self._seen:
                    self._seen[event["eventId"]] = None
                    self._latest_ms = max(self._latest_ms, event["timestamp"])
                    found.append({**event, "message": shortened(event["message"])})
            if "nextToken" not in answer:
                break
            wanted["nextToken"] = answer["nextToken"]
        while len(self._seen) > MAX_REMEMBERED:
            self._seen.popitem(last=False)
        return list(found)


_tails: dict[tuple[asyncio.AbstractEventLoop, Scope, str, str], _Tail] = {}


@asynccontextmanager
async def following(scope: Scope, group: str, pattern: str) -> AsyncIterator[Messages]:
    """What a page that follows a group is to be sent, first all of what came lately."""
    key = (asyncio.get_running_loop(), scope, group, pattern)
    tail = _tails.get(key)
    if tail is None or tail.following.done():
        tail = _tails[key] = _Tail(scope, group, pattern)
    messages: Messages = asyncio.Queue(MAX_UNREAD)
    tail.join(messages)
    try:
        yield messages
    finally:
        tail.followers.discard(messages)
        if not tail.followers:
            tail.following.cancel()
            if _tails.get(key) is tail:
                del _tails[key]


async def _told_since(pending: "asyncio.Queue[bytes]", otherwise_ms: int, gather_s: float) -> int:
    """The time of the earliest event that is told of next, of a burst; after a while without any, another time."""
    try:
        async with asyncio.timeout(LOOK_EVERY_S):
            told = [await pending.get()]
    except TimeoutError:
        return otherwise_ms
    await asyncio.sleep(gather_s)
    while not pending.empty():
        told.append(pending.get_nowait())
    return min(int(event["timestamp"]) for text in told for event in orjson.loads(text)["logEvents"])
