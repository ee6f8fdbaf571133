"""Pages whose state changes without a word: looked at again and again while somebody has them open."""

import asyncio
import time
from typing import Any
from urllib.parse import parse_qsl

from django.http import Http404

from aws_api.core.changes import StateChange
from aws_api.core.errors import AwsError
from aws_api.core.execution import run_in_thread
from console.live.consumers import LiveConsumer

LOOK_EVERY_S = 1.0
#: What takes long to see is looked at less often: looking never takes more than this part of the time.
MAX_SHARE = 0.1


class LookingConsumer(LiveConsumer):
    """Sends ``render()`` whenever it is different from what was sent, and ``moment()`` after each look."""

    _sent = ""

    @property
    def names(self) -> dict[str, str]:
        """What the path names."""
        return dict(self.scope["url_route"]["kwargs"])

    @property
    def asked(self) -> dict[str, str]:
        """The query of the page that is shown."""
        return dict(parse_qsl(self.scope.get("query_string", b"").decode("latin-1")))

    def concerns(self, change: StateChange) -> bool:
        return False

    def moment(self) -> str:
        """What is added after each look, a plot's point for instance; nothing by default."""
        return ""

    async def connect(self) -> None:
        await super().connect()
        if hasattr(self, "scope_shown"):  # else it was refused
            self.start(self._look())

    async def _send_rendered(self) -> None:
        """The looks send."""

    async def _look(self) -> None:
        while True:
            began = time.monotonic()
            text = await self._seen()
            if text:
                await self.send(text_data=text)
            took = time.monotonic() - began
            await asyncio.sleep(max(LOOK_EVERY_S, took / MAX_SHARE))

    async def _seen(self) -> str:
        try:
            rendered, moment = await run_in_thread(self._render_both)
        except (AwsError, Http404):
            return ""  # deleted meanwhile: the page keeps what it shows
        if rendered == self._sent:
            return moment
        self._sent = rendered
        return rendered + moment

    def _render_both(self) -> tuple[str, str]:
        rendered: Any = self.render()
        return rendered, self.moment()
