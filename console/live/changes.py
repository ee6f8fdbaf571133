"""Lists and details of any service: the page is told when to read itself anew, and keeps its filter and its place."""

import asyncio
import time
from urllib.parse import urlsplit

from django.http import QueryDict
from django.template.loader import render_to_string
from django.urls import path

from console.live.consumers import GATHER_S, LiveConsumer
from console.told_changes import changed_services

#: A list that changes all the time is read no more often than this.
EVERY_S = 1.0
#: A message of the bus may be lost; who looks at a page for long sees the truth all the same.
AT_LATEST_S = 60.0


class ChangesConsumer(LiveConsumer):
    """Says "read ``?page=`` anew" at once, and whenever something of a ``?service=`` of the account has changed.

    At once, since something may have changed between the page and this connection, or while there was none.
    """

    async def _follow_changes(self) -> None:
        asked = QueryDict(self.scope.get("query_string", b""))
        services, page = set(asked.getlist("service")), _own_path(asked.get("page", ""))
        again = render_to_string("console/live/changes.html", {"page": page})
        async with changed_services(self.scope_shown.account_id) as told:
            while True:
                await self.send(text_data=again)
                await asyncio.sleep(EVERY_S)
                await _told_of(told, services)
                await asyncio.sleep(GATHER_S)
                while not told.empty():
                    told.get_nowait()


async def _told_of(told: "asyncio.Queue[str]", services: set[str]) -> None:
    """Wait for a word of one of the services, no longer than AT_LATEST_S."""
    until = time.monotonic() + AT_LATEST_S
    while True:
        try:
            service = await asyncio.wait_for(told.get(), max(until - time.monotonic(), 0))
        except TimeoutError:
            return
        if service in services:
            return


def _own_path(address: str) -> str:
    """The path and query of an address, as one of this host's whatever it was."""
    parts = urlsplit(address)
    path = "/" + parts.path.lstrip("/\\")
    return f"{path}?{parts.query}" if parts.query else path


websocket_urlpatterns = [path("_simfra/live/changes", ChangesConsumer.as_asgi())]
