"""GET /_simfra/schema: the admin API in OpenAPI 3.1, made from its views."""

from functools import cache
from typing import Any

from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

_PREFIX = "/_simfra/"
_TOKEN = "adminToken"


@cache
def api_document() -> dict[str, Any]:
    """The description of every path of the admin API. It is the same for everybody, and for as long as we run."""
    generator: Any = SchemaGenerator()  # type: ignore[no-untyped-call]
    return dict(generator.get_schema(request=None, public=True))


def own_paths(endpoints: list[Any], **_: Any) -> list[Any]:
    """What is described: the admin API's own paths."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith(_PREFIX)]


def with_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add what every path has: refusals as ``{"error": "..."}``, and the token that may be asked for."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = {
        "type": "object",
        "description": "Why a request was refused.",
        "properties": {"error": {"type": "string"}},
        "required": ["error"],
    }
    components.setdefault("securitySchemes", {})[_TOKEN] = {
        "type": "http",
        "scheme": "bearer",
        "description": "The value of SIMFRA_ADMIN_TOKEN, where that is set.",
    }
    problem = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"].setdefault("4XX", {"description": "Why it was refused.", "content": problem})
            if operation["operationId"] != "get_health":
                operation["security"] = [{_TOKEN: []}, {}]
    return result


class DocumentShape(serializers.Serializer[Any]):
    """An OpenAPI document."""

    openapi = serializers.CharField()
    info = serializers.DictField()
    paths = serializers.DictField()
    components = serializers.DictField()


class SchemaView(APIView):
    """This description."""

    @extend_schema(operation_id="get_schema", responses=DocumentShape)
    def get(self, _request: Request) -> Response:
        return Response(api_document())


urlpatterns = [path("_simfra/schema", SchemaView.as_view())]
