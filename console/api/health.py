"""GET /_simfra/health: is it up, and what is it? Needs no token."""

import asyncio
from typing import Any

import asyncpg
from django.conf import settings
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from aws_api.core import database
from aws_api.core.execution import run_on_loop
from aws_api.core.service import all_services

#: A probe wants to know now.
ANSWER_WITHIN_S = 2.0


class Health(serializers.Serializer[Any]):
    """What runs."""

    status = serializers.ChoiceField(["healthy"])
    services = serializers.IntegerField()
    dockerEnabled = serializers.BooleanField()
    persistenceEnabled = serializers.BooleanField()
    defaultAccountId = serializers.CharField()
    defaultRegion = serializers.CharField()


class Bootstrapping(serializers.Serializer[Any]):
    """It does not run yet."""

    status = serializers.ChoiceField(["bootstrapping"])


class HealthView(APIView):
    """200 with ``status: healthy``; 503 with ``status: bootstrapping`` while the database does not answer."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    @extend_schema(operation_id="get_health", responses={200: Health, 503: Bootstrapping}, auth=[])
    def get(self, _request: Request) -> Response:
        if not run_on_loop(_database_answers()):
            return Response({"status": "bootstrapping"}, status=503)
        return Response(
            {
                "status": "healthy",
                "services": len(all_services()),
                "dockerEnabled": settings.SIMFRA_DOCKER,
                "persistenceEnabled": True,
                "defaultAccountId": settings.SIMFRA_DEFAULT_ACCOUNT_ID,
                "defaultRegion": settings.SIMFRA_DEFAULT_REGION,
            }
        )


async def _database_answers() -> bool:
    """Whether the database has the product's tables, and says so at once."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            await database.fetch("SELECT 1 FROM core_account LIMIT 1")
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    return True


urlpatterns = [
    path("_simfra/health", HealthView.as_view()),
]
