"""Waiting until a container's last output was shipped, before the container and its output are removed."""

import time

from aws_api.core.containers import LABEL_ROLE, ContainerState, ObservedContainer
from aws_api.core.sidecars import ROLE_APPLICATION
from workers import hints
from workers.models import LogCursor

#: Set by the watcher while it follows output; without it nobody ships, and nothing is waited for.
ALIVE_MARK = "watcher"
ALIVE_S = 10
_MAX_WAIT_S = 5
_EVERY_S = 0.03


def wait(container: ObservedContainer | None) -> None:
    """Return when everything that an ended container said was shipped, or after a few seconds."""
    if container is None or container.state is not ContainerState.EXITED:
        return
    if container.labels.get(LABEL_ROLE) != ROLE_APPLICATION:
        return
    deadline = time.monotonic() + _MAX_WAIT_S
    while time.monotonic() < deadline and hints.is_marked(ALIVE_MARK):
        if LogCursor.objects.filter(container_id=container.id, finished=True).exists():
            return
        time.sleep(_EVERY_S)
