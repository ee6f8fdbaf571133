"""Queues as they fill and empty."""

import time

from django.template.loader import render_to_string
from django.urls import path

from console.live.looking import LookingConsumer
from console.pages.queues import depth_plot, peeked, queue_page, queues_context
from console.plots import Line


class QueuesConsumer(LookingConsumer):
    """The depths of the queues that a list shows."""

    def render(self) -> str:
        return render_to_string("console/live/queues.html", queues_context(self.scope_shown, self.asked))


class QueueConsumer(LookingConsumer):
    """A queue's depths, what lies in it, and its redrives."""

    _depths: dict[str, int]

    def render(self) -> str:
        name = self.names["name"]
        page = queue_page(self.scope_shown, name)
        self._depths = dict(page.depths)
        context = {"page": page, "peeked": peeked(self.scope_shown, name, self.asked.get("after", ""))}
        return render_to_string("console/live/queue.html", context)

    def moment(self) -> str:
        now = round(time.time(), 1)
        lines = [Line(name=name, points=[(now, depth)]) for name, depth in self._depths.items()]
        return render_to_string("console/live/points.html", {"plot": depth_plot(self.names["name"]), "lines": lines})


websocket_urlpatterns = [
    path("_simfra/live/queues", QueuesConsumer.as_asgi()),
    path("_simfra/live/queues/<str:name>", QueueConsumer.as_asgi()),
]
