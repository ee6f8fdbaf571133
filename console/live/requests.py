"""The list of requests as they are answered."""

import asyncio
from typing import Any
from urllib.parse import parse_qsl

import orjson
from django.template.loader import render_to_string
from django.urls import path

from aws_api.core import bus
from aws_api.gateway.records import TOLD
from console.live.consumers import LiveConsumer
from console.pages.requests import requests_context

#: A list changes no more often than this: nobody reads faster, and all that is kept is read for it.
EVERY_S = 0.5


class RequestsConsumer(LiveConsumer):
    """The requests that match the page's filters, whenever one of the account's was answered."""

    def render(self) -> str:
        asked = dict(parse_qsl(self.scope.get("query_string", b"").decode("latin-1")))
        return render_to_string("console/live/requests.html", requests_context(self.scope_shown, asked))

    async def _follow_changes(self) -> None:
        async with bus.subscription(TOLD) as pending:
            await self._send_rendered()
            while True:
                is_ours = self._is_ours(await pending.get())
                while not pending.empty():
                    is_ours |= self._is_ours(pending.get_nowait())
                if is_ours:
                    await self._send_rendered()
                    await asyncio.sleep(EVERY_S)

    def _is_ours(self, told: bytes) -> bool:
        calls: list[dict[str, Any]] = orjson.loads(told)
        return any(call["accountId"] == self.scope_shown.account_id for call in calls)


websocket_urlpatterns = [path("_simfra/live/requests", RequestsConsumer.as_asgi())]
