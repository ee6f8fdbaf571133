"""How far pulls are."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from django.template.loader import render_to_string
from django.urls import path

from aws_api.core import bus
from aws_api.core.changes import StateChange
from aws_api.core.pull_reports import PULLS_TOPIC
from console.live.consumers import GATHER_S, LiveConsumer
from console.pages.images import pulls_of
from console.pages.tasks import KIND


class ImagesConsumer(LiveConsumer):
    """The pulls of the account's tasks."""

    def render(self) -> str:
        return render_to_string("console/live/images.html", {"pulls": pulls_of(self.scope_shown)})

    def concerns(self, change: StateChange) -> bool:
        return change.kind == KIND and self.is_in_scope(change)

    def streams(self) -> Iterable[Coroutine[Any, Any, None]]:
        yield self._follow_pulls()

    async def _follow_pulls(self) -> None:
        async with bus.subscription(PULLS_TOPIC) as pending:
            while True:
                await pending.get()
                await asyncio.sleep(GATHER_S)
                while not pending.empty():
                    pending.get_nowait()
                await self._send_rendered()


websocket_urlpatterns = [path("_simfra/live/images", ImagesConsumer.as_asgi())]
