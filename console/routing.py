"""HTTP to Django, websockets to the live consumers."""

from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator

from console.body_limits import with_bounded_bodies
from console.continuations import with_continuations
from console.discovery import websocket_urlpatterns
from console.live_access import for_the_allowed


def console_application(django_application: Any) -> Any:
    """The ASGI application of everything that is Simfra's own. Websockets are for pages of allowed hosts alone."""
    live = AllowedHostsOriginValidator(AuthMiddlewareStack(for_the_allowed(URLRouter(websocket_urlpatterns()))))
    return ProtocolTypeRouter({"http": with_bounded_bodies(with_continuations(django_application)), "websocket": live})
