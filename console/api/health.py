"""GET /_simfra/health: is it up, and what is it? Needs no token."""

from typing import Any

from django.conf import settings
from django.db import OperationalError, connection
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from aws_api.core.service import all_services


class HealthView(APIView):
    """200 with ``status: healthy``; 503 with ``status: bootstrapping`` while the database does not answer."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    def get(self, _request: Request) -> Response:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except OperationalError:
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


urlpatterns = [
    path("_simfra/health", HealthView.as_view()),
]
