"""A load balancer as it changes: its state and targets' health at once, its figures every few seconds."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from django.template.loader import render_to_string
from django.urls import path

from aws_api.core.changes import StateChange
from console.live.consumers import LiveConsumer
from console.pages.load_balancers import load_balancer_context

LOOK_EVERY_S = 5.0


class LoadBalancerConsumer(LiveConsumer):
    """One load balancer; nothing is sent while nothing is different."""

    def render(self) -> str:
        name = self.scope["url_route"]["kwargs"]["name"]
        return render_to_string("console/live/load_balancer.html", load_balancer_context(self.scope_shown, name))

    def concerns(self, change: StateChange) -> bool:
        return (change.kind.startswith("elbv2.") or change.kind == "host-ports") and self.is_in_scope(change)

    def streams(self) -> Iterable[Coroutine[Any, Any, None]]:
        yield self._look()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self._send_rendered()


websocket_urlpatterns = [path("_simfra/live/load-balancers/<str:name>", LoadBalancerConsumer.as_asgi())]
