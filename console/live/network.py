"""The map as it changes: drawn again after a change, and now and then, since rules change without a word."""

import asyncio

from django.template.loader import render_to_string
from django.urls import path

from aws_api.core.changes import StateChange
from console.live.consumers import LiveConsumer
from console.network.places import network_of
from console.pages.network import map_context

LOOK_EVERY_S = 3.0


class NetworkConsumer(LiveConsumer):
    """The map and the list below it; nothing is sent while nothing is different."""

    async def connect(self) -> None:
        await super().connect()
        self.start(self._look())

    def concerns(self, change: StateChange) -> bool:
        return self.is_in_scope(change)

    def render(self) -> str:
        return render_to_string("console/live/network.html", map_context(network_of(self.scope_shown)))

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self._send_rendered()


websocket_urlpatterns = [path("_simfra/live/network", NetworkConsumer.as_asgi())]
