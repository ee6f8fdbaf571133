"""The limits of a task as a whole: its owner container has them, and the others stay within (``cgroup_of``).

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html#task_size
"""

import os
from dataclasses import dataclass, replace

from aws_api.core.containers import ContainerSpec
from aws_api.services.ecs.models import Task

_CPU_UNITS_PER_CPU = 1024
_NANO = 1_000_000_000
_MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class TaskLimits:
    """A task's cpu in CPU units, memory and what may be swapped out in MiB; None where there is no limit.

    ``are_shared``: several containers have them together. A single one has them alone.
    """

    cpu: int | None
    memory_mib: int | None
    swap_mib: int = 0
    are_shared: bool = False


def limits_of(row: Task) -> TaskLimits:
    """A task's limits with what RunTask overrides; cpu is at most this machine's, since Docker refuses more."""
    definition, overrides = row.task_definition.document, row.document.get("overrides", {})
    cpu = _number(overrides.get("cpu") or definition.get("cpu"))
    memory_mib = _number(overrides.get("memory") or definition.get("memory"))
    containers = definition["containerDefinitions"]
    return TaskLimits(
        cpu=min(cpu, (os.cpu_count() or 1) * _CPU_UNITS_PER_CPU) if cpu else None,
        memory_mib=memory_mib,
        swap_mib=sum(container.get("linuxParameters", {}).get("maxSwap", 0) for container in containers),
        are_shared=len(containers) > 1 and bool(cpu or memory_mib),
    )


def with_limits(owner: ContainerSpec, limits: TaskLimits) -> ContainerSpec:
    """The container within whose limits the others stay, with the task's."""
    if not limits.are_shared:
        return owner
    return replace(
        owner,
        nano_cpus=limits.cpu * _NANO // _CPU_UNITS_PER_CPU if limits.cpu else None,
        cpu_shares=limits.cpu,
        memory_bytes=limits.memory_mib * _MIB if limits.memory_mib else None,
        swap_bytes=limits.swap_mib * _MIB,
    )


def _number(text: str | None) -> int | None:
    return int(text) if text else None
