"""GET /_simfra/services: what is emulated."""

from typing import Any

from botocore import xform_name
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from aws_api.core.service import AwsService, all_services
from aws_api.protocol.models import operation_names, service_model


class ServiceShape(serializers.Serializer[Any]):
    """A service that is emulated."""

    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    protocols = serializers.ListField(child=serializers.CharField())
    operations = serializers.ListField(child=serializers.CharField())


class ServiceNames(serializers.Serializer[Any]):
    """The services' names."""

    totalServices = serializers.IntegerField()
    totalOperations = serializers.IntegerField()
    services = serializers.ListField(child=serializers.CharField())


class ServicesView(APIView):
    """``[{name, description, protocols, operations}]``.

    ``?names`` answers ``{totalServices, totalOperations, services: [name]}`` and loads no model.
    """

    @extend_schema(
        operation_id="list_services",
        parameters=[OpenApiParameter("names", str)],
        responses=PolymorphicProxySerializer(
            component_name="Services",
            serializers=[ServiceShape(many=True), ServiceNames],
            resource_type_field_name=None,
            many=False,
        ),
    )
    def get(self, request: Request) -> Response:
        if "names" in request.query_params:
            names = [service.name for service in all_services()]
            operations = sum(len(service.operations) for service in all_services())
            return Response({"totalServices": len(names), "totalOperations": operations, "services": names})
        return Response([_describe(service) for service in all_services()])


def _describe(service: AwsService) -> dict[str, Any]:
    metadata = service_model(service.name).metadata
    return {
        "name": service.name,
        "description": service.description,
        "protocols": list(metadata.get("protocols", [metadata["protocol"]])),
        "operations": [name for name in operation_names(service.name) if xform_name(name) in service.operations],
    }


urlpatterns = [
    path("_simfra/services", ServicesView.as_view()),
]
