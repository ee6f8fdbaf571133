"""GET /_simfra/iam/explain and /_simfra/iam/suggest: why was it denied, and which policy would do?"""

from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from aws_api.core.execution import run_on_loop
from aws_api.gateway.records import KEPT, latest
from aws_api.services.iam.explanations import decisions_of_call, explain
from aws_api.services.iam.suggestions import suggest


class Explanation(serializers.Serializer[Any]):
    """Which permissions a request needed. What is known of the request is there while it is remembered."""

    requestId = serializers.CharField()
    service = serializers.CharField(required=False, allow_blank=True)
    operation = serializers.CharField(required=False, allow_blank=True)
    status = serializers.IntegerField(required=False)
    error = serializers.CharField(required=False, allow_blank=True)
    principal = serializers.CharField(required=False, allow_blank=True)
    decisions = serializers.ListField(child=serializers.DictField())


class SuggestedPolicy(serializers.Serializer[Any]):
    """The least policy for what a principal did; null where it did nothing."""

    principalArn = serializers.CharField()
    calls = serializers.IntegerField()
    policy = serializers.DictField(allow_null=True)
    missing = serializers.DictField(allow_null=True)


class ExplainView(APIView):
    """``?requestId=``: the permissions that a request needed, what decided on each, and what was missing.

    A request of root asks for no permission: its ``decisions`` are empty.
    """

    @extend_schema(
        operation_id="explain_access",
        parameters=[OpenApiParameter("requestId", str, required=True)],
        responses=Explanation,
    )
    def get(self, request: Request) -> Response:
        request_id = _required(request, "requestId")
        record: dict[str, Any] | None = next(
            (dict(record) for record in run_on_loop(latest()) if record["id"] == request_id), None
        )
        decisions = record["decisions"] if record else run_on_loop(decisions_of_call(request_id))
        if record is None and not decisions:
            raise NotFound(f"None of the last {KEPT} requests has the id {request_id}.")
        known = (
            {name: record[name] for name in ("service", "operation", "status", "error", "principal")} if record else {}
        )
        return Response({"requestId": request_id, **known, "decisions": explain(decisions)})


class SuggestView(APIView):
    """``?principalArn=`` of a user, a role or a role's session: the least policy for the calls that it really made.

    ``missing`` is the policy for the calls that were refused.
    """

    @extend_schema(
        operation_id="suggest_policy",
        parameters=[OpenApiParameter("principalArn", str, required=True)],
        responses=SuggestedPolicy,
    )
    def get(self, request: Request) -> Response:
        principal_arn = _required(request, "principalArn")
        suggestion = suggest(principal_arn)
        return Response(
            {
                "principalArn": principal_arn,
                "calls": suggestion.calls,
                "policy": suggestion.policy,
                "missing": suggestion.missing,
            }
        )


def _required(request: Request, name: str) -> str:
    value = request.query_params.get(name, "")
    if not value:
        raise ParseError(f"Give {name} in the query.")
    return str(value)


urlpatterns = [
    path("_simfra/iam/explain", ExplainView.as_view()),
    path("_simfra/iam/suggest", SuggestView.as_view()),
]
