"""GET /_simfra/storage/summary: how much the state takes, and whose it is."""

from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

#: Django's and our own tables, which are no service's.
OTHERS = "simfra"


class ServiceSize(serializers.Serializer[Any]):
    """What a service's tables and files take, in bytes."""

    service = serializers.CharField()
    size = serializers.IntegerField()


class StorageSummary(serializers.Serializer[Any]):
    """Where the state is, and its size in bytes: of tables with their indexes, and of images' layers."""

    enabled = serializers.BooleanField()
    dataDir = serializers.CharField()
    engine = serializers.CharField()
    durability = serializers.CharField()
    database = serializers.IntegerField()
    files = serializers.IntegerField()
    total = serializers.IntegerField()
    services = ServiceSize(many=True)


class StorageSummaryView(APIView):
    """Sizes, the largest first."""

    @extend_schema(operation_id="get_storage_summary", responses=StorageSummary)
    def get(self, _request: Request) -> Response:
        sizes = _table_sizes()
        database = sum(sizes.values())
        # The one service with files of its own: blobs of the image registry.
        files = _folder_size(Path(settings.SIMFRA_DATA_DIR) / "registry")
        sizes["ecr"] = sizes.get("ecr", 0) + files
        return Response(
            {
                "enabled": True,
                "dataDir": str(settings.SIMFRA_DATA_DIR),
                "engine": "postgres",
                "durability": settings.SIMFRA_DURABILITY,
                "database": database,
                "files": files,
                "total": database + files,
                "services": [
                    {"service": service, "size": size}
                    for service, size in sorted(sizes.items(), key=lambda entry: (-entry[1], entry[0]))
                ],
            }
        )


def _table_sizes() -> dict[str, int]:
    services = {
        model._meta.db_table: model._meta.app_config.name.rpartition(".")[2]
        if model._meta.app_config.name.startswith("aws_api.services.")
        else OTHERS
        for model in apps.get_models(include_auto_created=True)
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_total_relation_size(oid) FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
        )
        rows = cursor.fetchall()
    sizes: dict[str, int] = {}
    for table, size in rows:
        service = services.get(table, OTHERS)
        sizes[service] = sizes.get(service, 0) + size
    return sizes


def _folder_size(folder: Path) -> int:
    size = 0
    for file in folder.rglob("*"):
        try:
            size += file.stat().st_size if file.is_file() else 0
        except FileNotFoundError:
            continue  # An upload that ended meanwhile.
    return size


urlpatterns = [path("_simfra/storage/summary", StorageSummaryView.as_view())]
