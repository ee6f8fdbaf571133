"""What services use of the CPU and memory that they reserve, a few times a minute: AWS/ECS's two metrics.

CPU is the engine's counter, so that what lies between two looks is all in it. Services that nobody's alarm or policy
watches are looked at no less: a look is one question to whoever watches the engine, and costs it a read per container.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cloudwatch-metrics.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from aws_api.core import bus
from aws_api.core.clock import SHARED_CLOCK, SYSTEM_CLOCK
from aws_api.core.container_statistics import MAX_NAMES, Statistics, container_statistics
from aws_api.core.execution import run_on_loop
from aws_api.core.housekeeping import register_chore
from aws_api.core.metric_recording import Measurement, record_metrics
from aws_api.services.ecs.lifecycle import TaskStatus
from aws_api.services.ecs.models import Task
from aws_api.services.ecs.specifications import task_container_name

NAMESPACE = "AWS/ECS"
#: Containers that one look is about; of more, those that ran first.
MAX_CONTAINERS = 500
#: Minutes of the clock that people may move that one look fills: it may run a hundred times as fast.
MAX_MINUTES = 120
_LAST = "ecs.utilization"
_UNITS_PER_CPU = 1024
_MIB = 1024 * 1024
_NANO = 1e9


@dataclass(frozen=True, kw_only=True)
class Use:
    """What a container has used when it was looked at: CPU time so far, and memory at the moment."""

    cpu_ns: int
    memory_bytes: int


def measure_services(_now: datetime) -> None:
    """Look at what the services' tasks use, and hand over what that is of what they reserve."""
    containers = _containers()
    if not containers:
        return
    names = list(containers)[:MAX_CONTAINERS]
    found: dict[str, Use] = {}
    for start in range(0, len(names), MAX_NAMES):
        answered = run_on_loop(container_statistics(names[start : start + MAX_NAMES]))
        found.update({name: _use(statistics) for name, statistics in answered.items()})
    real_s, shown = SYSTEM_CLOCK.now().timestamp(), SHARED_CLOCK.now()
    last_at_s, last_shown, last = _last()
    _keep(real_s, shown, found)
    by_service: dict[tuple[str, str, str, str], list[Task]] = {}
    for task in {task.pk: task for task in containers.values()}.values():
        by_service.setdefault((task.account_id, task.region, task.cluster.name, task.service_name), []).append(task)
    for (account_id, region, cluster, service), tasks in by_service.items():
        values = {
            "CPUUtilization": _cpu_percents(tasks, found, last, real_s - last_at_s),
            "MemoryUtilization": _memory_percents(tasks, found),
        }
        record_metrics(
            [
                Measurement(
                    account_id=account_id,
                    region=region,
                    namespace=NAMESPACE,
                    name=name,
                    dimensions={"ClusterName": cluster, "ServiceName": service},
                    unit="Percent",
                    at=at,
                    value=value,
                )
                for name, percents in values.items()
                for value in percents
                for at in _moments(last_shown, shown)
            ]
        )


def _containers() -> dict[str, Task]:
    """The engine's names of the containers of services' running tasks."""
    rows = Task.objects.filter(last_status=TaskStatus.RUNNING).exclude(service_name="")
    tasks = rows.select_related("cluster", "task_definition").order_by("pk")[:MAX_CONTAINERS]
    return {
        task_container_name(task, shape["name"]): task
        for task in tasks
        for shape in task.task_definition.document["containerDefinitions"]
    }


def _use(statistics: Statistics) -> Use:
    memory = statistics.get("memory_stats", {})
    # What the kernel gives back when asked is not in use.
    cached = memory.get("stats", {}).get("inactive_file") or memory.get("stats", {}).get("total_inactive_file") or 0
    return Use(
        cpu_ns=int(statistics.get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage", 0)),
        memory_bytes=max(0, int(memory.get("usage", 0)) - int(cached)),
    )


def _cpu_percents(
    tasks: Iterable[Task], found: Mapping[str, Use], last: Mapping[str, Use], passed_s: float
) -> list[float]:
    """Of each task that was there both times: the CPU time that it used, of what it reserves."""
    percents = []
    for task in tasks:
        names = [name for name in _names(task) if name in found and name in last]
        if not names or passed_s <= 0:
            continue
        used_ns = sum(max(0, found[name].cpu_ns - last[name].cpu_ns) for name in names)
        reserved = int(task.document.get("cpu") or 0) / _UNITS_PER_CPU or 1.0
        percents.append(100 * used_ns / _NANO / passed_s / reserved)
    return percents


def _memory_percents(tasks: Iterable[Task], found: Mapping[str, Use]) -> list[float]:
    percents = []
    for task in tasks:
        names = [name for name in _names(task) if name in found]
        reserved = int(task.document.get("memory") or 0) * _MIB
        if names and reserved:
            percents.append(100 * sum(found[name].memory_bytes for name in names) / reserved)
    return percents


def _names(task: Task) -> list[str]:
    return [task_container_name(task, each["name"]) for each in task.task_definition.document["containerDefinitions"]]


def _moments(last_shown: datetime | None, shown: datetime) -> list[datetime]:
    """A moment of each minute since the last look: what was used is what was used in all of them."""
    moments = [shown]
    while last_shown is not None and moments[-1] - timedelta(minutes=1) > last_shown and len(moments) < MAX_MINUTES:
        moments.append(moments[-1] - timedelta(minutes=1))
    return moments


def _last() -> tuple[float, datetime | None, dict[str, Use]]:
    """The last look of whichever process; losing it costs one figure."""
    kept = bus.kept(_LAST)
    if not kept:
        return 0.0, None, {}
    told = orjson.loads(kept)
    uses = {name: Use(cpu_ns=cpu_ns, memory_bytes=memory) for name, (cpu_ns, memory) in told["uses"].items()}
    return told["at_s"], datetime.fromisoformat(told["shown"]), uses


def _keep(at_s: float, shown: datetime, found: Mapping[str, Use]) -> None:
    uses = {name: (use.cpu_ns, use.memory_bytes) for name, use in found.items()}
    bus.keep(_LAST, orjson.dumps({"at_s": at_s, "shown": shown.isoformat(), "uses": uses}))


register_chore(measure_services)
