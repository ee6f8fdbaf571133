"""``manage.py shapes``: keep every service's ``shapes.py`` what botocore's model says of its operations."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from botocore import xform_name
from django.core.management.base import BaseCommand, CommandError

from aws_api.core.service import get_service, service_apps
from aws_api.protocol import shapes
from aws_api.protocol.models import has_operation, operation_names, service_names


class Command(BaseCommand):
    """Rewrites the generated types of the service folders named, or of all."""

    help = "Generate shapes.py of the services named, or of all, from botocore's models."
    # Checks read what this command writes.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folders", nargs="*", metavar="service", help="a folder of aws_api/services")
        parser.add_argument("--check", action="store_true", help="write nothing, fail where something would change")
        parser.add_argument(
            "--operations", nargs="+", default=[], metavar="Operation", help="operations to be written next"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folders = options["folders"] or [name.rpartition(".")[2] for name in service_apps()]
        added = options["operations"]
        if added and len(folders) != 1:
            raise CommandError("--operations is for one service.")
        stale = [folder for folder in folders if self._rewrite(folder, added, is_check=options["check"])]
        if options["check"] and stale:
            raise CommandError(f"Run `manage.py shapes`: {', '.join(stale)} differ from the model.")

    def _rewrite(self, folder: str, added: list[str], *, is_check: bool) -> bool:
        """Whether the file of a folder changed, or would."""
        service = shapes.service_of(folder)
        if service not in service_names():
            raise CommandError(f"AWS has no service {service}.")
        for operation in added:
            if not has_operation(service, operation):
                raise CommandError(f"{service} has no operation {operation}.")
        operations = set(_implemented(service))
        if added:
            operations |= {*shapes.recorded_operations(folder), *added}
        path = shapes.shapes_path(folder)
        source = shapes.generate(service, operations)
        if _text(path) == source:
            return False
        if not is_check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
            self.stdout.write(f"{folder}: {len(operations)} operations")
        return True


def _implemented(service: str) -> list[str]:
    """AWS's names of the operations that are registered."""
    registered = get_service(service)
    if registered is None:
        return []
    return [name for name in operation_names(service) if xform_name(name) in registered.operations]


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""
