"""The account's faults as they hit and end."""

from django.template.loader import render_to_string
from django.urls import path

from console.live.looking import LookingConsumer
from console.pages.faults import faults_context


class FaultsConsumer(LookingConsumer):
    """The list of faults with their counts."""

    def render(self) -> str:
        return render_to_string("console/live/faults.html", faults_context(self.scope_shown))


websocket_urlpatterns = [path("_simfra/live/faults", FaultsConsumer.as_asgi())]
