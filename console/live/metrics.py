"""Alarms as their states change, and chosen metrics as they come."""

from django.http import QueryDict
from django.template.loader import render_to_string
from django.urls import path

from console.live.looking import LookingConsumer
from console.pages.metrics import MAX_PLOTTED, alarm_context, alarms_context, metrics_plot


class AlarmsConsumer(LookingConsumer):
    """The alarms that a list shows."""

    def render(self) -> str:
        return render_to_string("console/live/alarms.html", alarms_context(self.scope_shown, self.asked))


class AlarmConsumer(LookingConsumer):
    """An alarm's state and history."""

    def render(self) -> str:
        return render_to_string("console/live/alarm.html", alarm_context(self.scope_shown, self.asked.get("name", "")))


class MetricsConsumer(LookingConsumer):
    """The plot of the metrics that were chosen."""

    def render(self) -> str:
        asked = QueryDict(self.scope.get("query_string", b""))
        chosen = asked.getlist("m")[:MAX_PLOTTED]
        if not chosen:
            return ""
        try:
            plot = metrics_plot(self.scope_shown, chosen, asked)
        except ValueError:
            return ""  # the page says so
        return render_to_string("console/live/metrics.html", {"plot": plot})


websocket_urlpatterns = [
    path("_simfra/live/alarms", AlarmsConsumer.as_asgi()),
    # A name may have slashes, so it is asked for by ?name=.
    path("_simfra/live/alarm", AlarmConsumer.as_asgi()),
    path("_simfra/live/metrics", MetricsConsumer.as_asgi()),
]
