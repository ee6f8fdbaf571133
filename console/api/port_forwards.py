"""Port forwards, ``/_simfra/port-forwards``: make, list, show and end ways from the host to what is private.

``POST {targetArn, targetPort?, localPort?}`` answers a forward: ``{id, targetArn, targetIp, targetPort, protocol,
localPort, localAddress, vpcNetwork, status, error, accountId, region, createdAt}``. ``localPort`` is null, and the
status PENDING, until the host listens: a moment. WAITING says that the target has no address now, GONE that it never
will again. ``?account`` and ``?region`` say where targets are.
"""

import time
from typing import Any

from django.conf import settings
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from aws_api.core.arns import Arn
from aws_api.core.context import internal_context
from aws_api.core.host_ports import HostPortStatus
from aws_api.core.models import PortForward
from aws_api.core.port_forwards import (
    CannotForward,
    close_forward,
    forward_targets,
    open_forward,
    published_port,
    target_is_there,
)
from console.api.paging import PAGE_PARAMETERS, page

#: How long an answer waits for the relay, which needs a fraction of it.
_OPEN_WITHIN_S = 2.0
_LOOK_EVERY_S = 0.02


class NewPortForward(serializers.Serializer[Any]):
    """What POST takes."""

    targetArn = serializers.CharField()
    targetPort = serializers.IntegerField(required=False, min_value=1, max_value=65535)
    localPort = serializers.IntegerField(required=False, min_value=1, max_value=65535)


class PortForwardShape(serializers.Serializer[Any]):
    """A port forward."""

    id = serializers.CharField()
    targetArn = serializers.CharField()
    targetIp = serializers.CharField(allow_null=True)
    targetPort = serializers.IntegerField()
    protocol = serializers.CharField()
    localPort = serializers.IntegerField(allow_null=True)
    localAddress = serializers.CharField(allow_null=True, allow_blank=True)
    vpcNetwork = serializers.CharField(allow_null=True, allow_blank=True)
    status = serializers.CharField()
    error = serializers.CharField(allow_blank=True)
    accountId = serializers.CharField()
    region = serializers.CharField()
    createdAt = serializers.DateTimeField()


class TargetPort(serializers.Serializer[Any]):
    """A port that a target says to have."""

    port = serializers.IntegerField()
    protocol = serializers.CharField()


class PortForwardTarget(serializers.Serializer[Any]):
    """What can be forwarded to."""

    targetArn = serializers.CharField()
    type = serializers.CharField()
    name = serializers.CharField()
    ports = TargetPort(many=True)


SCOPE_PARAMETERS = [OpenApiParameter("account", str), OpenApiParameter("region", str)]


class PortForwardsView(APIView):
    """All forwards, and new ones."""

    @extend_schema(
        operation_id="list_port_forwards",
        parameters=[*SCOPE_PARAMETERS, *PAGE_PARAMETERS],
        responses=PortForwardShape(many=True),
    )
    def get(self, request: Request) -> Response:
        return page(request, PortForward.objects.filter(**_scope(request, {})).order_by("pk"), describe)

    @extend_schema(operation_id="create_port_forward", request=NewPortForward, responses={201: PortForwardShape})
    def post(self, request: Request) -> Response:
        given = request.data if isinstance(request.data, dict) else {}
        target_arn = given.get("targetArn")
        try:
            arn = Arn.parse(str(target_arn or ""))
        except ValueError as error:
            raise ValidationError("targetArn is the ARN of a task, a service or a load balancer.") from error
        try:
            forward = open_forward(
                internal_context(arn.account_id, arn.region),
                str(target_arn),
                _port(given, "targetPort"),
                _port(given, "localPort"),
            )
        except CannotForward as problem:
            raise ValidationError(str(problem)) from problem
        return Response(_when_open(forward), status=201)


class PortForwardView(APIView):
    """One forward."""

    @extend_schema(operation_id="get_port_forward", responses=PortForwardShape)
    def get(self, _request: Request, forward_id: str) -> Response:
        return Response(describe(_forward(forward_id)))

    @extend_schema(operation_id="delete_port_forward", responses={204: None})
    def delete(self, _request: Request, forward_id: str) -> Response:
        close_forward(_forward(forward_id))
        return Response(status=204)


class PortForwardTargetsView(APIView):
    """What can be forwarded to: ``[{targetArn, type, name, ports: [{port, protocol}]}]``."""

    @extend_schema(
        operation_id="list_port_forward_targets", parameters=SCOPE_PARAMETERS, responses=PortForwardTarget(many=True)
    )
    def get(self, request: Request) -> Response:
        default = {"account_id": settings.SIMFRA_DEFAULT_ACCOUNT_ID, "region": settings.SIMFRA_DEFAULT_REGION}
        scope = _scope(request, default)
        return Response(
            [
                {
                    "targetArn": target.arn,
                    "type": target.type,
                    "name": target.name,
                    "ports": [{"port": port, "protocol": protocol} for port, protocol in target.ports],
                }
                for target in forward_targets(scope["account_id"], scope["region"])
            ]
        )


def describe(forward: PortForward) -> dict[str, Any]:
    """A forward as the API shows it."""
    port = published_port(forward)
    if port is not None:
        status = port.status.value
    else:
        status = "WAITING" if target_is_there(forward) else "GONE"
    return {
        "id": forward.forward_id,
        "targetArn": forward.target_arn,
        "targetIp": port.target.address if port else None,
        "targetPort": forward.target_port,
        "protocol": forward.protocol,
        "localPort": port.local_port if port else None,
        "localAddress": port.local_address if port else None,
        "vpcNetwork": port.target.network_name if port else None,
        "status": status,
        "error": port.failure if port else "",
        "accountId": forward.account_id,
        "region": forward.region,
        "createdAt": forward.created_at.isoformat(),
    }


def _when_open(forward: PortForward) -> dict[str, Any]:
    """A new forward, once the relay has looked: callers want the port."""
    deadline = time.monotonic() + _OPEN_WITHIN_S
    while True:
        shown = describe(forward)
        if shown["status"] != HostPortStatus.PENDING or time.monotonic() > deadline:
            return shown
        time.sleep(_LOOK_EVERY_S)


def _forward(forward_id: str) -> PortForward:
    found = PortForward.objects.filter(forward_id=forward_id).first()
    if found is None:
        raise NotFound(f"There is no port forward {forward_id}.")
    return found


def _scope(request: Request, default: dict[str, str]) -> dict[str, str]:
    given = {"account_id": request.query_params.get("account"), "region": request.query_params.get("region")}
    return {**default, **{name: value for name, value in given.items() if value}}


def _port(given: dict[str, Any], member: str) -> int | None:
    value = given.get(member)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 65535):
        return value
    raise ValidationError(f"{member} is a number from 1 to 65535.")


urlpatterns = [
    path("_simfra/port-forwards", PortForwardsView.as_view()),
    path("_simfra/port-forwards/targets", PortForwardTargetsView.as_view()),
    path("_simfra/port-forwards/<str:forward_id>", PortForwardView.as_view()),
]
