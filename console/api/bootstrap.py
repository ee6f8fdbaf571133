"""What a test run begins with: ``POST /_simfra/accounts/{id}/bootstrap`` makes a list of AWS calls for an account."""

from typing import Any

from django.conf import settings
from django.urls import path
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from console.api.accounts import find_account
from console.api.errors import Problem
from console.api.scoped import REGION
from console.bootstrap import MAX_CALLS, CallFailed, make_calls

MAX_NAME = 128


class BootstrapCall(serializers.Serializer[Any]):
    """A call. ``${0.QueueUrl}`` in its parameters stands for a member of the answer to an earlier call."""

    service = serializers.CharField(max_length=MAX_NAME, help_text="As boto3 names it: sqs.")
    operation = serializers.CharField(max_length=MAX_NAME, help_text="As AWS names it: CreateQueue.")
    parameters = serializers.DictField(default=dict, help_text="AWS's members; blobs are base64, times ISO 8601.")
    region = serializers.RegexField(REGION, required=False)


class BootstrapAnswer(serializers.Serializer[Any]):
    """AWS's answers, in the order of the calls."""

    results = serializers.ListField(child=serializers.DictField())


class BootstrapProblem(Problem):
    """Which call failed, and the answers to those before it, which stay made."""

    failed = serializers.IntegerField()
    results = serializers.ListField(child=serializers.DictField())


class BootstrapView(APIView):
    """Makes calls in their order, as the account's root; ends at the first that fails."""

    @extend_schema(
        operation_id="bootstrap_account",
        request=BootstrapCall(many=True),
        responses={201: BootstrapAnswer, 409: OpenApiResponse(BootstrapProblem, "A call failed.")},
        examples=[
            OpenApiExample(
                "queue with a message",
                [
                    {"service": "sqs", "operation": "CreateQueue", "parameters": {"QueueName": "orders"}},
                    {
                        "service": "sqs",
                        "operation": "SendMessage",
                        "parameters": {"QueueUrl": "${0.QueueUrl}", "MessageBody": "first"},
                    },
                ],
                request_only=True,
            )
        ],
    )
    def post(self, request: Request, account_id: str) -> Response:
        account = find_account(account_id)
        asked = BootstrapCall(data=request.data, many=True)
        asked.is_valid(raise_exception=True)
        if len(asked.validated_data) > MAX_CALLS:
            raise ValidationError(f"At most {MAX_CALLS} calls are made at once.")
        try:
            results = make_calls(account.account_id, settings.SIMFRA_DEFAULT_REGION, asked.validated_data)
        except CallFailed as failure:
            return Response({"error": str(failure), "failed": failure.place, "results": failure.results}, status=409)
        return Response({"results": results}, status=201)


urlpatterns = [path("_simfra/accounts/<str:account_id>/bootstrap", BootstrapView.as_view())]
