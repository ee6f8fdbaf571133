"""A log group's events as they come.

The first message is what came lately and replaces what the page has, so that a connection made again shows each event
once; what follows is added. Messages of the bus say from when on something is new; events are read from the rows, and
told apart by their ids, so that an event that comes late, or whose message was lost, is shown all the same.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from django.template.loader import render_to_string
from django.urls import path

from aws_api.core import bus
from aws_api.core.errors import AwsError
from aws_api.core.execution import run_in_thread
from console.calls import Call, worded
from console.live.consumers import GATHER_S, LiveConsumer

#: What a tail begins with, at most.
SHOWN_AT_FIRST = 500
SHOWN_SINCE_MS = 15 * 60_000
#: Messages of the bus may be lost; so long after the last one it is looked without being told.
LOOK_EVERY_S = 15.0
LATENESS_MS = 60_000
MAX_REMEMBERED = 50_000
MAX_PAGES = 50


class TailConsumer(LiveConsumer):
    """The events of the group ``?name=`` that match ``?pattern=``."""

    async def _follow_changes(self) -> None:
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._latest_ms = self.scope_shown.context.clock.epoch_ms() - SHOWN_SINCE_MS
        asked = dict(parse_qsl(self.scope.get("query_string", b"").decode("latin-1")))
        self._group, self._pattern = asked.get("name", ""), asked.get("pattern", "")
        topic = f"logs.{self.scope_shown.account_id}.{self.scope_shown.region}.{self._group}"
        try:
            # Listening begins before the first read: what comes between them is told and read again.
            async with bus.subscription(topic) as pending:
                await self._send_new(self._latest_ms, is_first=True)
                while True:
                    since_ms = await _told_since(pending, self._latest_ms - LATENESS_MS)
                    await self._send_new(since_ms, is_first=False)
        except AwsError as error:
            await self.send(text_data=render_to_string("console/live/tail_problem.html", {"problem": worded(error)}))

    async def _send_new(self, since_ms: int, *, is_first: bool) -> None:
        events = await run_in_thread(self._new_events, since_ms)
        if events or is_first:
            context = {"events": events, "replace": is_first, "group": self._group}
            await self.send(text_data=render_to_string("console/live/tail.html", context))

    def _new_events(self, since_ms: int) -> list[Mapping[str, Any]]:
        wanted: dict[str, Any] = {"logGroupName": self._group, "startTime": max(since_ms, 0)}
        if self._pattern:
            wanted["filterPattern"] = self._pattern
        found: deque[Mapping[str, Any]] = deque(maxlen=SHOWN_AT_FIRST)
        for _ in range(MAX_PAGES):
            answer = Call("logs", "FilterLogEvents", wanted).make(self.scope_shown)
            for event in answer["events"]:
                if event["eventId"] not in self._seen:
                    self._seen[event["eventId"]] = None
                    self._latest_ms = max(self._latest_ms, event["timestamp"])
                    found.append(event)
            if "nextToken" not in answer:
                break
            wanted["nextToken"] = answer["nextToken"]
        while len(self._seen) > MAX_REMEMBERED:
            self._seen.popitem(last=False)
        return list(found)


async def _told_since(pending: "asyncio.Queue[bytes]", otherwise_ms: int) -> int:
    """The time of the earliest event that is told of next, of a burst; after a while without any, another time."""
    try:
        async with asyncio.timeout(LOOK_EVERY_S):
            told = [await pending.get()]
    except TimeoutError:
        return otherwise_ms
    await asyncio.sleep(GATHER_S)
    while not pending.empty():
        told.append(pending.get_nowait())
    return min(int(event["timestamp"]) for text in told for event in orjson.loads(text)["logEvents"])


websocket_urlpatterns = [path("_simfra/live/logs", TailConsumer.as_asgi())]
