"""Requests to the AWS endpoint, ``/_simfra/debug/requests``: the last ones, those under way, and how many there were.

What was answered before this is asked is in it, whichever process answered.
"""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from aws_api.core.execution import run_on_loop
from aws_api.gateway.records import KEPT, latest, latest_and_under_way
from console.requests import RequestFilter, count


class RequestQuery(serializers.Serializer[Any]):
    """Which requests."""

    service = serializers.CharField(required=False, max_length=64, help_text="As boto3 names it: sqs.")
    operation = serializers.CharField(required=False, max_length=128, help_text="As AWS names it: SendMessage.")
    account_id = serializers.CharField(required=False, max_length=12)
    region = serializers.CharField(required=False, max_length=32)
    principal = serializers.CharField(required=False, max_length=2048, help_text="The caller's ARN.")
    status = serializers.RegexField(
        r"^([1-5]\d\d|[1-5]xx|none)$", required=False, help_text="200, or 4xx, or none: those under way."
    )
    since = serializers.DateTimeField(required=False, help_text="Those that arrived at this time or later.")
    limit = serializers.IntegerField(default=KEPT, min_value=1, max_value=KEPT)
    in_flight = serializers.BooleanField(default=True, help_text="Whether requests without an answer yet are in it.")

    def filter(self) -> RequestFilter:
        """What is wanted of the records."""
        names = ("service", "operation", "account_id", "region", "principal", "status", "since")
        return RequestFilter(**{name: value for name, value in self.validated_data.items() if name in names})


class RequestDecision(serializers.Serializer[Any]):
    """A permission that a request needed, and what decided on it."""

    principal = serializers.CharField()
    action = serializers.CharField()
    resource = serializers.CharField()
    effect = serializers.CharField(help_text="allowed, explicitDeny or implicitDeny")
    reason = serializers.CharField(allow_blank=True)
    policy = serializers.CharField(allow_blank=True)
    statement = serializers.CharField(allow_blank=True)


class RequestShape(serializers.Serializer[Any]):
    """A request; without an answer yet its status is null."""

    id = serializers.CharField()
    started = serializers.DateTimeField()
    method = serializers.CharField()
    path = serializers.CharField()
    service = serializers.CharField(allow_blank=True)
    operation = serializers.CharField(allow_blank=True)
    status = serializers.IntegerField(allow_null=True)
    duration_ms = serializers.FloatField()
    account_id = serializers.CharField(allow_blank=True)
    region = serializers.CharField(allow_blank=True)
    principal = serializers.CharField(allow_blank=True)
    parameters = serializers.DictField(
        allow_null=True, help_text="Without secrets; null for a body of more than 4096 bytes."
    )
    fault = serializers.CharField(allow_blank=True, help_text="The id of the fault that it was hit by.")
    error = serializers.CharField(required=False, allow_blank=True)
    decisions = RequestDecision(many=True, required=False)


class RequestCount(serializers.Serializer[Any]):
    """How many requests of one kind there were."""

    service = serializers.CharField(allow_blank=True)
    operation = serializers.CharField(allow_blank=True)
    status = serializers.IntegerField()
    count = serializers.IntegerField()


class RequestCounts(serializers.Serializer[Any]):
    """Counts of the requests that are remembered."""

    total = serializers.IntegerField()
    counts = RequestCount(many=True)
    complete = serializers.BooleanField(help_text="False where older requests, which may match, are forgotten.")


class RequestsView(APIView):
    """The requests under way and the last ones of every process, newest first."""

    @extend_schema(operation_id="list_requests", parameters=[RequestQuery], responses=RequestShape(many=True))
    def get(self, request: Request) -> Response:
        asked = RequestQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wanted, limit = asked.filter(), asked.validated_data["limit"]
        # Whoever wants any need not have all of them read.
        answered, pending = run_on_loop(latest_and_under_way(limit if wanted == RequestFilter() else KEPT))
        shown = reversed(pending) if asked.validated_data["in_flight"] else ()
        return Response(wanted.of([*shown, *answered])[:limit])


class RequestCountsView(APIView):
    """How many requests there were of each service, operation and status."""

    @extend_schema(operation_id="count_requests", parameters=[RequestQuery], responses=RequestCounts)
    def get(self, request: Request) -> Response:
        asked = RequestQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wanted, records = asked.filter(), run_on_loop(latest())
        found = wanted.of(records)
        oldest = RequestFilter(since=wanted.since).of(records[-1:]) if wanted.since else records[-1:]
        is_complete = len(records) < KEPT or not oldest
        return Response({"total": len(found), "counts": count(found), "complete": is_complete})


class RequestView(APIView):
    """One of the last requests, or one under way, by its id: the x-amzn-RequestId of its answer."""

    @extend_schema(operation_id="get_request", responses=RequestShape)
    def get(self, _request: Request, request_id: str) -> Response:
        answered, pending = run_on_loop(latest_and_under_way())
        found = next((record for record in (*pending, *answered) if record["id"] == request_id), None)
        if found is None:
            raise NotFound(f"None of the last {KEPT} requests has the id {request_id}.")
        return Response(found)


urlpatterns = [
    path("_simfra/debug/requests", RequestsView.as_view()),
    path("_simfra/debug/requests/counts", RequestCountsView.as_view()),
    path("_simfra/debug/requests/<str:request_id>", RequestView.as_view()),
]
