"""Process and IPC namespaces that a task's containers share: ``pidMode`` and ``ipcMode``. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html#task_definition_pidmode
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_api.core.containers import LABEL_ROLE, ContainerSpec
from aws_api.core.sidecars import ROLE_PAUSE

Shape = Mapping[str, Any]

_MEMORY_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class NamespaceModes:
    """A container's namespaces, in Docker's words; None is one of its own."""

    pid_mode: str | None
    ipc_mode: str | None


def namespace_modes(definition: Shape, owner: str) -> NamespaceModes:
    """The namespaces of a task's containers; ``owner`` is the engine's name of who has those of the task."""
    joined = f"container:{owner}"
    return NamespaceModes(
        pid_mode={"task": joined, "host": "host"}.get(definition.get("pidMode", "")),
        ipc_mode={"task": joined, "host": "host", "none": "none"}.get(definition.get("ipcMode", "")),
    )


def needs_owner(definition: Shape) -> bool:
    """Whether a container must be there for nothing but its namespaces, also without an interface."""
    return "task" in (definition.get("pidMode"), definition.get("ipcMode"))


def owner_ipc_mode(definition: Shape) -> str | None:
    """The IPC mode of who is joined."""
    return "shareable" if definition.get("ipcMode") == "task" else None


def namespace_owner(definition: Shape, *, name: str, image: str, labels: Mapping[str, str]) -> ContainerSpec:
    """A container that owns namespaces and does nothing."""
    return ContainerSpec(
        name=name,
        image=image,
        labels={**labels, LABEL_ROLE: ROLE_PAUSE},
        entry_point=("sleep", "2147483647"),
        network_mode="none",
        ipc_mode=owner_ipc_mode(definition),
        # Reaps the processes of containers that are over, and ends at once when it is asked to.
        init=True,
        memory_bytes=_MEMORY_BYTES,
    )
