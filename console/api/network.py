"""GET /_simfra/network/dns: where people on this machine ask the resolvers of VPCs."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from aws_api.services.ec2.models import VpcNetwork

#: Docker publishes them there.
ADDRESS = "127.0.0.1"
MAX_LISTED = 1000


class Resolver(serializers.Serializer[Any]):
    """Where a VPC's resolver is asked."""

    vpcId = serializers.CharField()
    accountId = serializers.CharField()
    region = serializers.CharField()
    address = serializers.CharField()
    port = serializers.IntegerField()
    tcpPort = serializers.IntegerField()


class ResolversView(APIView):
    """``[{vpcId, accountId, region, address, port, tcpPort}]`` of VPCs whose gateway runs: ``dig @address -p port``.

    ``port`` is UDP's; ``tcpPort`` is the same unless another program of the host had that.
    """

    @extend_schema(operation_id="list_resolvers", responses=Resolver(many=True))
    def get(self, _request: Request) -> Response:
        rows = VpcNetwork.objects.exclude(last_dns_port=0).order_by("pk")[:MAX_LISTED]
        return Response(
            [
                {
                    "vpcId": row.key.rpartition("/")[2],
                    "accountId": row.account_id,
                    "region": row.region,
                    "address": ADDRESS,
                    "port": row.last_dns_port,
                    "tcpPort": row.last_dns_tcp_port,
                }
                for row in rows
            ]
        )


urlpatterns = [
    path("_simfra/network/dns", ResolversView.as_view()),
]
