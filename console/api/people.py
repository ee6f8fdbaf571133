"""API tokens, ``/_simfra/tokens``, and what was changed over the console and this API, ``/_simfra/audit``."""

from datetime import timedelta
from typing import Any

from django.core.validators import RegexValidator
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from aws_api.core.clock import SYSTEM_CLOCK
from console.access import make_token
from console.models import EVERY_ACCOUNT, ApiToken, AuditEntry, Role

DAY_S = 24 * 3600
MAX_ENTRIES = 1000


class NewToken(serializers.Serializer[Any]):
    """What POST /tokens takes."""

    name = serializers.CharField(max_length=128)
    accountId = serializers.CharField(
        default=EVERY_ACCOUNT, max_length=12, validators=[RegexValidator(r"\A(\*|\d{12})\Z", "12 digits, or *.")]
    )
    role = serializers.ChoiceField(choices=Role.choices)
    expiresIn_s = serializers.IntegerField(default=90 * DAY_S, min_value=60, max_value=366 * DAY_S)


class Token(serializers.Serializer[Any]):
    """A token without its secret."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    accountId = serializers.CharField(help_text="* for every account.")
    role = serializers.CharField()
    madeBy = serializers.CharField()
    createdAt = serializers.DateTimeField()
    expiresAt = serializers.DateTimeField()
    lastUsedAt = serializers.DateTimeField(allow_null=True)


class MadeToken(Token):
    """A new token; its secret is told this once."""

    token = serializers.CharField()


class Entry(serializers.Serializer[Any]):
    """A change that somebody made or tried."""

    at = serializers.DateTimeField()
    who = serializers.CharField()
    address = serializers.CharField()
    method = serializers.CharField()
    path = serializers.CharField()
    accountId = serializers.CharField()
    status = serializers.IntegerField()


class TokensView(APIView):
    """All tokens, and new ones."""

    @extend_schema(responses=Token(many=True))
    def get(self, _request: Request) -> Response:
        return Response([_describe(token) for token in ApiToken.objects.order_by("pk")])

    @extend_schema(request=NewToken, responses={201: MadeToken})
    def post(self, request: Request) -> Response:
        asked = NewToken(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        token, secret = make_token(
            name=wanted["name"],
            account_id=wanted["accountId"],
            role=Role(wanted["role"]),
            made_by=request._request.access.name,  # type: ignore[attr-defined]
            expires_at=SYSTEM_CLOCK.now() + timedelta(seconds=wanted["expiresIn_s"]),
        )
        return Response({**_describe(token), "token": secret}, status=201)


class TokenView(APIView):
    """One token."""

    @extend_schema(responses={204: None})
    def delete(self, _request: Request, token_id: int) -> Response:
        if not ApiToken.objects.filter(pk=token_id).delete()[0]:
            raise NotFound(f"There is no token {token_id}.")
        return Response(status=204)


class AuditView(APIView):
    """What was changed, newest first; ``?limit=`` of it."""

    @extend_schema(responses=Entry(many=True))
    def get(self, request: Request) -> Response:
        limit = request.query_params.get("limit", "")
        entries = AuditEntry.objects.order_by("-pk")[: min(int(limit), MAX_ENTRIES) if limit.isdecimal() else 100]
        return Response(
            [
                {
                    "at": entry.at,
                    "who": entry.who,
                    "address": entry.address,
                    "method": entry.method,
                    "path": entry.path,
                    "accountId": entry.of_account,
                    "status": entry.status,
                }
                for entry in entries
            ]
        )


def _describe(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.pk,
        "name": token.name,
        "accountId": token.of_account,
        "role": token.role,
        "madeBy": token.made_by,
        "createdAt": token.created_at,
        "expiresAt": token.expires_at,
        "lastUsedAt": token.last_used_at,
    }


urlpatterns = [
    path("_simfra/tokens", TokensView.as_view()),
    path("_simfra/tokens/<int:token_id>", TokenView.as_view()),
    path("_simfra/audit", AuditView.as_view()),
]
