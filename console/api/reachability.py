"""GET /_simfra/network/reachability: can A reach B on a port, and which rule decides?"""

from typing import Any

from django.conf import settings
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from console.network.reaching import CannotAnswer, find_end, reaches


class ReachabilityCheck(serializers.Serializer[Any]):
    """What a border on the way says, and which of its rules."""

    border = serializers.CharField()
    allowed = serializers.BooleanField()
    rule = serializers.CharField()


class Reachability(serializers.Serializer[Any]):
    """Whether one end reaches the other."""

    allowed = serializers.BooleanField()
    decidedBy = ReachabilityCheck()
    checks = ReachabilityCheck(many=True)

    def get_fields(self) -> dict[str, Any]:
        """``from`` is a word of Python's."""
        return {"from": serializers.CharField(), "to": serializers.CharField(), **super().get_fields()}


class ReachabilityView(APIView):
    """``?from=&to=&port=&protocol=`` (tcp), ``&account=&region=``: ``{allowed, decidedBy, checks}``.

    Ends are network interfaces, task ARNs or ids, load balancer ARNs, addresses, or ``internet``. A check is
    ``{border, allowed, rule}``, in the order of the way; ``decidedBy`` is the one that settles it.
    """

    @extend_schema(
        operation_id="get_reachability",
        parameters=[
            OpenApiParameter("from", str, required=True),
            OpenApiParameter("to", str, required=True),
            *(OpenApiParameter(name, str) for name in ("port", "protocol", "account", "region")),
        ],
        responses=Reachability,
    )
    def get(self, request: Request) -> Response:
        asked = request.query_params
        account_id = asked.get("account", settings.SIMFRA_DEFAULT_ACCOUNT_ID)
        region = asked.get("region", settings.SIMFRA_DEFAULT_REGION)
        try:
            source, target = (find_end(account_id, region, asked.get(end, "")) for end in ("from", "to"))
            answer = reaches(
                account_id, region, source, target, protocol=asked.get("protocol", "tcp"), port=asked.get("port", "")
            )
        except CannotAnswer as problem:
            raise ValidationError(str(problem)) from problem
        checks = [{"border": check.border, "allowed": check.is_allowed, "rule": check.rule} for check in answer.checks]
        return Response(
            {
                "from": source,
                "to": target,
                "allowed": answer.is_allowed,
                "decidedBy": checks[-1],
                "checks": checks,
            }
        )


urlpatterns = [
    path("_simfra/network/reachability", ReachabilityView.as_view()),
]
