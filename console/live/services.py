"""Services as they change: rollouts, target health, tasks, events, and what their tasks use."""

from collections.abc import Coroutine, Iterable
from typing import Any

from django.http import QueryDict
from django.template.loader import render_to_string
from django.urls import path

from aws_api.core.changes import StateChange
from aws_api.core.execution import run_in_thread
from console.live.consumers import LiveConsumer
from console.live.usage import send_usage
from console.pages.services import SERVICE_KIND, service_context, services_context
from console.pages.tasks import KIND, TaskFilter, task_rows
from console.usage import MAX_CONTAINERS, Watched

_KINDS = (KIND, SERVICE_KIND, "elbv2.target")


class ServicesConsumer(LiveConsumer):
    """The page of all services that is shown."""

    def render(self) -> str:
        asked = QueryDict(self.scope.get("query_string", b""))
        return render_to_string("console/live/services.html", services_context(self.scope_shown, asked.get("page")))

    def concerns(self, change: StateChange) -> bool:
        return change.kind in (KIND, SERVICE_KIND) and self.is_in_scope(change)


class ServiceConsumer(LiveConsumer):
    """One service."""

    def render(self) -> str:
        return render_to_string("console/live/service.html", service_context(self.scope_shown, *self._names))

    def concerns(self, change: StateChange) -> bool:
        cluster, name = self._names
        if change.kind == SERVICE_KIND and not change.key.endswith(f"/{cluster}/{name}"):
            return False
        if change.kind == KIND and f":task/{cluster}/" not in change.key:
            return False
        return change.kind in _KINDS and self.is_in_scope(change)

    def streams(self) -> Iterable[Coroutine[Any, Any, None]]:
        yield send_usage(self.send, ("service", self.scope_shown, self._names), self._running_containers)

    @property
    def _names(self) -> tuple[str, str]:
        names = self.scope["url_route"]["kwargs"]
        return names["cluster"], names["name"]

    async def _running_containers(self) -> Watched:
        return await run_in_thread(self._containers_by_revision)

    def _containers_by_revision(self) -> Watched:
        cluster, name = self._names
        lines: dict[str, list[str]] = {}
        rows = TaskFilter(service=name, last_status="RUNNING").rows(self.scope_shown, cluster)[:MAX_CONTAINERS]
        for row in task_rows(rows):
            lines.setdefault(row.definition, []).extend(row.engine_names.values())
        return lines


websocket_urlpatterns = [
    path("_simfra/live/services", ServicesConsumer.as_asgi()),
    path("_simfra/live/clusters/<str:cluster>/services/<str:name>", ServiceConsumer.as_asgi()),
]
