"""Hands changes to running sidecars as soon as they are published (aws_api/core/telling.py), each sidecar's in order.

What is published while one is being handed over goes along with the next. Failures are left to the reconciler.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import orjson
from celery.signals import worker_ready
from django.conf import settings

from aws_api.core import bus
from aws_api.core.containers import ContainerRuntime, RuntimeFailure
from aws_api.core.telling import TOPIC
from workers.runtimes import process_runtime

_THREADS = 4
#: A sidecar that has so many waiting is behind anyway: its whole configuration comes next.
_MAX_WAITING = 1000

_log = logging.getLogger(__name__)


class Teller:
    """Changes on their way to sidecars."""

    def __init__(self, runtime: ContainerRuntime) -> None:
        self._runtime = runtime
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="telling")
        self._lock = Lock()
        self._waiting: dict[str, list[Any]] = {}

    def hear(self, message: bytes) -> None:
        """Take what was published."""
        told = orjson.loads(message)
        container = told["container"]
        with self._lock:
            is_busy = container in self._waiting
            waiting = self._waiting.setdefault(container, [])
            if len(waiting) < _MAX_WAITING:
                waiting.extend(told["changes"])
        if not is_busy:
            self._threads.submit(self._hand_over, container)

    def _hand_over(self, container: str) -> None:
        while changes := self._next(container):
            try:
                self._runtime.configure_container(container, {"changes": changes})
            except RuntimeFailure as failure:
                _log.info("%s was not told of a change: %s", container, failure)

    def _next(self, container: str) -> list[Any]:
        with self._lock:
            changes = self._waiting.pop(container)
            if changes:
                self._waiting[container] = []
            return changes


@worker_ready.connect
def start(**_: object) -> None:
    """Listen in a worker's process, where there is an engine to speak to."""
    if settings.SIMFRA_DOCKER:
        bus.listen_in_background(TOPIC, Teller(process_runtime()).hear)
