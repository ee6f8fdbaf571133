"""GET /_simfra/ecs/tasks/{id}/addresses: where a task is, in its VPC and on this host."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from aws_api.core.host_ports import PublishedPort
from aws_api.services.ecs.host_ports import addresses_of
from console.api.ecs import TASK_PARAMETERS, task_of


class NetworkBinding(serializers.Serializer[Any]):
    """A port of a task on this host. ECS's own bindings have no status."""

    containerPort = serializers.IntegerField(required=False)
    hostPort = serializers.IntegerField(allow_null=True, required=False)
    bindIP = serializers.CharField(allow_blank=True, allow_null=True, required=False)
    protocol = serializers.CharField(required=False)
    status = serializers.CharField(required=False)
    error = serializers.CharField(allow_blank=True, required=False)
    containerPortRange = serializers.CharField(required=False)
    hostPortRange = serializers.CharField(required=False)


class TaskAddresses(serializers.Serializer[Any]):
    """Where a task is."""

    taskArn = serializers.CharField()
    privateIp = serializers.CharField(allow_null=True, allow_blank=True)
    publicIp = serializers.CharField(allow_null=True, allow_blank=True)
    networkBindings = NetworkBinding(many=True)


class TaskAddressesView(APIView):
    """The addresses of a task, and its ports on this host in the manner of networkBindings.

    ``{taskArn, privateIp, publicIp, networkBindings: [{containerPort, hostPort, bindIP, protocol, status, error}]}``.
    A binding's hostPort is null until the host listens. The engine publishes the ports of tasks without an address of
    their own; those bindings are ECS's.
    """

    @extend_schema(operation_id="get_task_addresses", parameters=TASK_PARAMETERS, responses=TaskAddresses)
    def get(self, request: Request, task_id: str) -> Response:
        task = task_of(request, task_id)
        found = addresses_of(task)
        return Response(
            {
                "taskArn": task.arn,
                "privateIp": found.private_address,
                "publicIp": found.public_address,
                "networkBindings": [*map(_binding, found.ports), *map(dict, found.bindings)],
            }
        )


def _binding(port: PublishedPort) -> dict[str, object]:
    return {
        "containerPort": port.target.port,
        "hostPort": port.local_port,
        "bindIP": port.local_address,
        "protocol": port.target.protocol,
        "status": port.status.value,
        "error": port.failure,
    }


urlpatterns = [
    path("_simfra/ecs/tasks/<str:task_id>/addresses", TaskAddressesView.as_view()),
]
