"""GET /_simfra/events: what happens, as server-sent events."""

from typing import Any

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from console.api.scoped import AccountIdField
from console.continuations import Stream, answer_later
from console.events import event_stream


class EventStreamRenderer(BaseRenderer):
    """Lets clients ask for an event stream; what is rendered here is an error before it began."""

    media_type = "text/event-stream"
    format = "event-stream"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return JSONRenderer().render(data)


class EventQuery(serializers.Serializer[Any]):
    """Whose events."""

    accountId = AccountIdField(required=False, help_text="Of this account alone.")


class EventsView(APIView):
    """Each event's data is ``{service, type, action, accountId, region}``, as it happens, without an end.

    Of changes of a status, ``action`` is the status and ``key`` names the resource; of calls, ``CreateQueue`` is the
    type Queue and the action Create, and ``count`` says how many there were in a tenth of a second.
    """

    renderer_classes = (EventStreamRenderer, JSONRenderer)

    @extend_schema(
        operation_id="stream_events",
        parameters=[EventQuery],
        responses={(200, "text/event-stream"): OpenApiResponse(OpenApiTypes.STR, "Server-sent events.")},
    )
    def get(self, request: Request) -> Response:
        asked = EventQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        account_id = asked.validated_data.get("accountId", "")
        return answer_later(request, lambda: _stream(account_id))


async def _stream(account_id: str) -> Stream:
    return Stream(content_type="text/event-stream", chunks=event_stream(account_id))


urlpatterns = [path("_simfra/events", EventsView.as_view())]
