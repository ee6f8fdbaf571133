"""Websockets: a page's changing parts are rendered again and sent when a StateChange says so; logs as they come.

Each message is htmx's ``<hx-partial>`` fragments. The first message carries the whole state, so that a connection made
again after a break shows what was missed, once.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import orjson
from channels.generic.websocket import AsyncWebsocketConsumer
from django.template.loader import render_to_string
from django.urls import path

from aws_api.core import bus, changes, log_tail
from aws_api.core.changes import StateChange
from aws_api.core.errors import AwsError
from aws_api.core.execution import run_in_thread
from aws_api.core.host_ports import CHANGE_KIND
from aws_api.core.pull_reports import PULLS_TOPIC
from console.middleware import comes_from_a_task
from console.pages.tasks import KIND, failed_lately, find_task, running_tasks, tasks_of
from console.scope import Scope, scope_of

#: A burst of changes becomes one message.
GATHER_S = 0.1
LOG_BLOCK_MS = 15_000
#: Close code "policy violation".
REFUSED = 1008


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Sends ``render()`` at once and again after each change that ``concerns`` it."""

    scope_shown: Scope

    async def connect(self) -> None:
        self._running: list[asyncio.Task[None]] = []
        await self.accept()
        if comes_from_a_task((self.scope.get("client") or ("",))[0]):
            await self.close(REFUSED)
            return
        self.scope_shown = scope_of(self.scope["session"])
        self.start(self._follow_changes())

    async def disconnect(self, code: int) -> None:
        for task in self._running:
            task.cancel()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something for as long as the connection lasts."""
        self._running.append(asyncio.create_task(work))

    def concerns(self, change: StateChange) -> bool:
        """Whether the page shows what changed."""
        shown = self.scope_shown
        return change.kind == KIND and (change.account_id, change.region) == (shown.account_id, shown.region)

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
                await asyncio.sleep(GATHER_S)
                while not pending.empty():
                    pending.get_nowait()
                await self._send_rendered()

    async def _send_rendered(self) -> None:
        try:
            text = await run_in_thread(self.render)
        except AwsError:
            return  # deleted meanwhile: the page keeps what it shows
        await self.send(text_data=text)


class HomeConsumer(LiveConsumer):
    """Running and failed tasks."""

    def render(self) -> str:
        shown = self.scope_shown
        context = {"running": running_tasks(shown), "failed": failed_lately(shown)}
        return render_to_string("console/live/home.html", context)


class ClusterConsumer(LiveConsumer):
    """A cluster's tasks."""

    def render(self) -> str:
        cluster = self.scope["url_route"]["kwargs"]["cluster"]
        shown = self.scope_shown
        context = {"running": tasks_of(shown, cluster, "RUNNING"), "stopped": tasks_of(shown, cluster, "STOPPED")}
        return render_to_string("console/live/cluster.html", context)


class TaskConsumer(LiveConsumer):
    """A task's status, timeline, containers and plan; and each container's log."""

    async def connect(self) -> None:
        self._followed: set[str] = set()
        self._images: set[str] = set()
        self._follows_pulls = False
        await super().connect()

    def concerns(self, change: StateChange) -> bool:
        task_id = self.scope["url_route"]["kwargs"]["task_id"]
        is_ours = super().concerns(change) or change.kind == CHANGE_KIND
        return is_ours and change.key.endswith(f"/{task_id}")

    def render(self) -> str:
        names = self.scope["url_route"]["kwargs"]
        page = find_task(self.scope_shown, names["cluster"], names["task_id"])
        if page is None:
            return ""
        self._images = page.images
        return render_to_string("console/live/task.html", {"page": page, "cluster": names["cluster"]})

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
            if entries or first:
                after = entries[-1].id if entries else after
                context = {"container": name, "entries": entries, "replace": first}
                await self.send(text_data=render_to_string("console/live/log.html", context))
            first = False


websocket_urlpatterns = [
    path("_simfra/live/home", HomeConsumer.as_asgi()),
    path("_simfra/live/clusters/<str:cluster>", ClusterConsumer.as_asgi()),
    path("_simfra/live/clusters/<str:cluster>/tasks/<str:task_id>", TaskConsumer.as_asgi()),
]
