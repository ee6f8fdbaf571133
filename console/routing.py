"""HTTP to Django, websockets to Channels."""

from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter


def console_application(django_application: Any) -> Any:
    """The ASGI application of everything that is Simfra's own."""
    return ProtocolTypeRouter({"http": django_application, "websocket": URLRouter([])})
