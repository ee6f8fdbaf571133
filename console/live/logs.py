"""A log group's events as they come: ``console.log_tails`` reads them once for all pages that show the same.

The first message is what came lately and replaces what the page has, so that a connection made again shows each event
once; what follows is added.
"""

from django.http import QueryDict
from django.urls import path

from console.live.consumers import LiveConsumer
from console.log_tails import following

#: Close code "service restart": the page connects again.
_AGAIN = 1012


class TailConsumer(LiveConsumer):
    """The events of the group ``?name=`` that match ``?pattern=``."""

    async def _follow_changes(self) -> None:
        asked = QueryDict(self.scope.get("query_string", b""))
        async with following(self.scope_shown, asked.get("name", ""), asked.get("pattern", "")) as messages:
            while (message := await messages.get()) is not None:
                await self.send(text_data=message)
        await self.close(_AGAIN)


websocket_urlpatterns = [path("_simfra/live/logs", TailConsumer.as_asgi())]
