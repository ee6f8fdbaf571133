"""What this instance has on the container engine: ``/_simfra/docker/summary``, ``/containers`` and ``/networks``."""

from collections import Counter
from dataclasses import asdict
from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from aws_api.core.containers import RuntimeFailure
from aws_api.core.inventory import Inventory, take_inventory
from console.api.errors import Problem
from console.api.paging import PAGE_PARAMETERS, page


class NoEngine(APIException):
    """No engine answers."""

    status_code = 503


class DockerSummary(serializers.Serializer[Any]):
    """Counts. Without an engine they are null, and ``problem`` says why."""

    enabled = serializers.BooleanField()
    problem = serializers.CharField(allow_blank=True)
    containers = serializers.IntegerField(allow_null=True)
    running = serializers.IntegerField(allow_null=True)
    stopped = serializers.IntegerField(allow_null=True)
    networks = serializers.IntegerField(allow_null=True)
    volumes = serializers.IntegerField(allow_null=True)
    images = serializers.IntegerField(allow_null=True, help_text="Of the engine, whosever they are.")


class ContainerPort(serializers.Serializer[Any]):
    """A port of a container; ``hostPort`` is null where it is not published."""

    containerPort = serializers.IntegerField()
    hostPort = serializers.IntegerField(allow_null=True)
    hostIp = serializers.CharField(allow_blank=True)
    protocol = serializers.CharField()


class DockerContainer(serializers.Serializer[Any]):
    """A container of this instance."""

    id = serializers.CharField()
    name = serializers.CharField()
    image = serializers.CharField()
    state = serializers.CharField(help_text="running, exited, created ...")
    status = serializers.CharField(allow_blank=True, help_text="Up 3 minutes")
    created = serializers.DateTimeField()
    labels = serializers.DictField(child=serializers.CharField())
    ports = ContainerPort(many=True)


class DockerNetwork(serializers.Serializer[Any]):
    """A network of this instance."""

    id = serializers.CharField()
    name = serializers.CharField()
    driver = serializers.CharField()
    scope = serializers.CharField()
    labels = serializers.DictField(child=serializers.CharField())


class DockerSummaryView(APIView):
    """How many containers, networks, volumes and images there are."""

    @extend_schema(operation_id="get_docker_summary", responses=DockerSummary)
    def get(self, _request: Request) -> Response:
        try:
            inventory = take_inventory()
        except RuntimeFailure as failure:
            nothing = dict.fromkeys(("containers", "running", "stopped", "networks", "volumes", "images"))
            return Response({"enabled": False, "problem": str(failure), **nothing})
        states = Counter(container.state for container in inventory.containers)
        return Response(
            {
                "enabled": True,
                "problem": "",
                "containers": len(inventory.containers),
                "running": states["running"],
                "stopped": len(inventory.containers) - states["running"],
                "networks": len(inventory.networks),
                "volumes": inventory.volumes,
                "images": inventory.images,
            }
        )


class DockerContainersView(APIView):
    """The instance's containers, those that stopped among them, by name."""

    @extend_schema(
        operation_id="list_docker_containers",
        parameters=PAGE_PARAMETERS,
        responses={200: DockerContainer(many=True), 503: Problem},
    )
    def get(self, request: Request) -> Response:
        return page(request, _inventory().containers, asdict)


class DockerNetworksView(APIView):
    """The instance's networks, by name."""

    @extend_schema(
        operation_id="list_docker_networks",
        parameters=PAGE_PARAMETERS,
        responses={200: DockerNetwork(many=True), 503: Problem},
    )
    def get(self, request: Request) -> Response:
        return page(request, _inventory().networks, asdict)


def _inventory() -> Inventory:
    try:
        return take_inventory()
    except RuntimeFailure as failure:
        raise NoEngine(str(failure)) from failure


urlpatterns = [
    path("_simfra/docker/summary", DockerSummaryView.as_view()),
    path("_simfra/docker/containers", DockerContainersView.as_view()),
    path("_simfra/docker/networks", DockerNetworksView.as_view()),
]
