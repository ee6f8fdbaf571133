"""Websockets: a page's changing parts are rendered again and sent when a StateChange says so; logs as they come.

Each message is htmx's ``<hx-partial>`` fragments. The first message carries the whole state, so that a connection made
again after a break shows what was missed, once.
"""

import asyncio
import time
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from typing import Any

import orjson
from channels.generic.websocket import AsyncWebsocketConsumer
from django.http import Http404, QueryDict
from django.template.loader import render_to_string
from django.urls import path

from aws_api.core import bus, changes, log_tail
from aws_api.core.changes import StateChange
from aws_api.core.errors import AwsError
from aws_api.core.execution import run_in_thread
from aws_api.core.host_ports import CHANGE_KIND
from aws_api.core.pull_reports import PULLS_TOPIC
from console.live.usage import send_usage
from console.message_sizes import portions, shortened
from console.middleware import comes_from_a_task
from console.pages.ecs import cluster_context
from console.pages.home import home_context
from console.pages.services import SERVICE_KIND
from console.pages.tasks import KIND, by_family, find_task, running_tasks
from console.scope import Scope, scope_of
from console.usage import MAX_CONTAINERS, Watched

#: A burst of changes becomes one message.
GATHER_S = 0.1
#: A page that is long in the making is made again after so many times as long: one browser leaves room for others.
REST = 4
LOG_BLOCK_MS = 15_000
#: Close code "policy violation".
REFUSED = 1008


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Sends ``render()`` at once and again after each change that ``concerns`` it."""

    scope_shown: Scope
    _rendered = ""
    _took_s = 0.0

    async def connect(self) -> None:
        self._running: list[asyncio.Task[None]] = []
        await self.accept()
        if comes_from_a_task((self.scope.get("client") or ("",))[0]):
            await self.close(REFUSED)
            return
        self.scope_shown = scope_of(self.scope["session"])
        self.start(self._follow_changes())
        for work in self.streams():
            self.start(work)

    async def disconnect(self, code: int) -> None:
        for task in self._running:
            task.cancel()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something for as long as the connection lasts."""
        self._running.append(asyncio.create_task(work))

    def streams(self) -> Iterable[Coroutine[Any, Any, None]]:
        """What else is sent while the connection lasts."""
        return ()

    def concerns(self, change: StateChange) -> bool:
        """Whether the page shows what changed."""
        return change.kind == KIND and self.is_in_scope(change)

    def is_in_scope(self, change: StateChange) -> bool:
        """Whether it is of the account and region shown."""
        shown = self.scope_shown
        return (change.account_id, change.region) == (shown.account_id, shown.region)

    def render(self) -> str:
        """The page's changing parts, in a thread."""
        raise NotImplementedError

    async def _follow_changes(self) -> None:
        async with bus.subscription(changes.TOPIC) as pending:
            await self._send_rendered()
            while True:
                change = StateChange.from_json(await pending.get())
                if not self.concerns(change):
                    continue
                await asyncio.sleep(max(GATHER_S, REST * self._took_s))
                while not pending.empty():
                    pending.get_nowait()
                await self._send_rendered()

    async def _send_rendered(self) -> None:
        """Send what is different from what was sent."""
        began = time.monotonic()
        try:
            text = await run_in_thread(self.render)
        except (AwsError, Http404):
            return  # deleted meanwhile: the page keeps what it shows
        self._took_s = time.monotonic() - began
        if text != self._rendered:
            self._rendered = text
            await self.send(text_data=text)


class HomeConsumer(LiveConsumer):
    """What runs, what failed, the figures of the tiles, and what running tasks use."""

    def render(self) -> str:
        return render_to_string("console/live/home.html", home_context(self.scope_shown))

    def concerns(self, change: StateChange) -> bool:
        return self.is_in_scope(change)

    def streams(self) -> Iterable[Coroutine[Any, Any, None]]:
        yield send_usage(self.send, ("home", self.scope_shown), self._running_containers)

    async def _running_containers(self) -> Watched:
        return by_family(await run_in_thread(running_tasks, self.scope_shown, MAX_CONTAINERS))


class ClusterConsumer(LiveConsumer):
    """A cluster's services, and the page of its tasks that is shown."""

    def render(self) -> str:
        cluster = self.scope["url_route"]["kwargs"]["cluster"]
        asked = QueryDict(self.scope.get("query_string", b"")).dict()
        return render_to_string("console/live/cluster.html", cluster_context(self.scope_shown, cluster, asked))

    def concerns(self, change: StateChange) -> bool:
        return self.is_in_scope(change) and change.kind in (KIND, SERVICE_KIND)


class TaskConsumer(LiveConsumer):
    """A task's status, timeline, containers and plan; and each container's log."""

    async def connect(self) -> None:
        self._followed: set[str] = set()
        self._images: set[str] = set()
        self._follows_pulls = False
        await super().connect()

    def streams(self) -> Iterable[Coroutine[Any, Any, None]]:
        yield send_usage(self.send, ("task", self._task_id, self.scope_shown), self._running_containers)

    def concerns(self, change: StateChange) -> bool:
        is_ours = super().concerns(change) or change.kind == CHANGE_KIND
        return is_ours and change.key.endswith(f"/{self._task_id}")

    def render(self) -> str:
        names = self.scope["url_route"]["kwargs"]
        page = find_task(self.scope_shown, names["cluster"], names["task_id"])
        if page is None:
            return ""
        self._images = page.images
        return render_to_string("console/live/task.html", {"page": page, "cluster": names["cluster"]})

    @property
    def _task_id(self) -> str:
        return str(self.scope["url_route"]["kwargs"]["task_id"])

    async def _running_containers(self) -> dict[str, list[str]]:
        return {name: [engine_name] for name, engine_name in (await run_in_thread(self.log_names)).items()}

    def log_names(self) -> dict[str, str]:
        """The name of each container's log tail, by the container's own name."""
        names = self.scope["url_route"]["kwargs"]
        page = find_task(self.scope_shown, names["cluster"], names["task_id"])
        return page.log_names if page else {}

    async def _send_rendered(self) -> None:
        await super()._send_rendered()
        if not self._follows_pulls:
            self._follows_pulls = True
            self.start(self._follow_pulls())
        for name, tail_name in (await run_in_thread(self.log_names)).items():
            if name not in self._followed:
                self._followed.add(name)
                self.start(self._follow_log(name, tail_name))

    async def _follow_pulls(self) -> None:
        """Show how far the images are that the task waits for."""
        async with bus.subscription(PULLS_TOPIC) as pending:
            while True:
                if orjson.loads(await pending.get())["image"] not in self._images:
                    continue
                await asyncio.sleep(GATHER_S)
                await self._send_rendered()

    async def _follow_log(self, name: str, tail_name: str) -> None:
        after = log_tail.START
        first = True
        while True:
            # The first read does not wait: it empties what an earlier connection had put on the page.
            entries = await log_tail.read(tail_name, after, None if first else LOG_BLOCK_MS)
            after = entries[-1].id if entries else after
            lines = [replace(entry.line, message=shortened(entry.line.message)) for entry in entries]
            for portion in [*portions(lines, lambda line: len(line.message))] or [[]] * first:
                context = {"container": name, "lines": portion, "replace": first}
                await self.send(text_data=render_to_string("console/live/log.html", context))
                first = False


websocket_urlpatterns = [
    path("_simfra/live/home", HomeConsumer.as_asgi()),
    path("_simfra/live/clusters/<str:cluster>", ClusterConsumer.as_asgi()),
    path("_simfra/live/clusters/<str:cluster>/tasks/<str:task_id>", TaskConsumer.as_asgi()),
]
