"""Cloud Map's instances as they come, go and change their health."""

from django.template.loader import render_to_string
from django.urls import path

from console.live.looking import LookingConsumer
from console.pages.names import cloud_map_context


class NamesConsumer(LookingConsumer):
    """The namespaces with what is in them."""

    def render(self) -> str:
        return render_to_string("console/live/names.html", cloud_map_context(self.scope_shown))


websocket_urlpatterns = [path("_simfra/live/names", NamesConsumer.as_asgi())]
