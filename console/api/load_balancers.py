"""GET /_simfra/load-balancers: where each one is reached, in its VPC and on this machine, and what it carried.

Query: ``account`` (an account's id), ``region``.
"""

from datetime import timedelta
from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.host_ports import PublishedPort, published_by
from aws_api.services.elbv2.models import LoadBalancer, Target, TrafficMinute
from aws_api.services.elbv2.names import names_of

MAX_LISTED = 1000
#: How far back figures are added up.
FIGURES_OF = timedelta(minutes=5)


class HostAddress(serializers.Serializer[Any]):
    """Where a listener is on this machine."""

    protocol = serializers.CharField()
    address = serializers.CharField(allow_null=True, allow_blank=True)
    port = serializers.IntegerField(allow_null=True)
    status = serializers.CharField()
    failure = serializers.CharField(allow_blank=True)


class ListenerShape(serializers.Serializer[Any]):
    """A listener."""

    arn = serializers.CharField()
    protocol = serializers.CharField()
    port = serializers.IntegerField()
    hostAddresses = HostAddress(many=True)


class LoadBalancerShape(serializers.Serializer[Any]):
    """A load balancer; ``targets`` by their health, ``figures`` of five minutes by CloudWatch's names."""

    arn = serializers.CharField()
    name = serializers.CharField()
    type = serializers.CharField()
    scheme = serializers.CharField()
    accountId = serializers.CharField()
    region = serializers.CharField()
    state = serializers.CharField()
    failure = serializers.CharField(allow_blank=True)
    dnsName = serializers.CharField()
    names = serializers.ListField(child=serializers.CharField())
    listeners = ListenerShape(many=True)
    targets = serializers.DictField(child=serializers.IntegerField())
    figures = serializers.DictField(child=serializers.FloatField())


class LoadBalancersView(APIView):
    """``[{arn, name, type, state, dnsName, names, listeners: [{protocol, port, hostAddresses}], targets, figures}]``.

    ``targets`` counts targets by their health, ``figures`` adds up the last five minutes by CloudWatch's names.
    """

    @extend_schema(
        operation_id="list_load_balancers",
        parameters=[OpenApiParameter("account", str), OpenApiParameter("region", str)],
        responses=LoadBalancerShape(many=True),
    )
    def get(self, request: Request) -> Response:
        rows = LoadBalancer.objects.filter(desired_deleted=False)
        if account_id := request.query_params.get("account"):
            rows = rows.filter(account_id=account_id)
        if region := request.query_params.get("region"):
            rows = rows.filter(region=region)
        found = list(rows.prefetch_related("listeners").order_by("pk")[:MAX_LISTED])
        published = published_by(row.arn for row in found)
        return Response([_shown(row, published.get(row.arn, [])) for row in found])


def _shown(row: LoadBalancer, published: list[PublishedPort]) -> dict[str, Any]:
    return {
        "arn": row.arn,
        "name": row.name,
        "type": row.type,
        "scheme": row.scheme,
        "accountId": row.account_id,
        "region": row.region,
        "state": row.last_status,
        "failure": row.last_failure,
        "dnsName": row.dns_name,
        "names": names_of(row),
        "listeners": [
            {
                "arn": listener.arn,
                "protocol": listener.protocol,
                "port": listener.port,
                "hostAddresses": [
                    {
                        "protocol": port.target.protocol,
                        "address": port.local_address,
                        "port": port.local_port,
                        "status": port.status.value,
                        "failure": port.failure,
                    }
                    for port in published
                    if port.target.port == listener.port
                ],
            }
            for listener in row.listeners.all()
        ],
        "targets": _targets(row),
        "figures": _figures(row),
    }


def _targets(row: LoadBalancer) -> dict[str, int]:
    states: dict[str, int] = {}
    targets = Target.objects.filter(group__rules__listener__load_balancer=row).distinct()
    for state, draining_since in targets.values_list("last_state", "draining_since"):
        name = "draining" if draining_since is not None else state
        states[name] = states.get(name, 0) + 1
    return states


def _figures(row: LoadBalancer) -> dict[str, float]:
    sums: dict[str, float] = {}
    since = SYSTEM_CLOCK.now() - FIGURES_OF
    for figures in TrafficMinute.objects.filter(load_balancer=row, target_group="", minute__gte=since).values_list(
        "figures", flat=True
    ):
        for name, value in figures.items():
            sums[name] = sums.get(name, 0) + value
    return sums


urlpatterns = [
    path("_simfra/load-balancers", LoadBalancersView.as_view()),
]
