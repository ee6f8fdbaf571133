"""Which container instance a task is put on, or why on none. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-placement.html
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aws_api.core.errors import AwsError
from aws_api.services.ecs.expressions import check_expression, parse

Shape = Mapping[str, Any]

MAX_CONSTRAINTS = 10
MAX_STRATEGIES = 5
#: What a strategy may spread over or pack by.
_PACKED = ("cpu", "memory")


@dataclass(frozen=True, kw_only=True)
class Instance:
    """An instance as placement knows it. What is left is None where the engine has not said what it has."""

    arn: str
    subjects: Mapping[str, Sequence[str]]
    cpu_left: int | None
    memory_left_mib: int | None
    attributes: frozenset[str] = frozenset()
    ports_taken: frozenset[int] = frozenset()
    families: tuple[str, ...] = ()
    task_count: int = 0
    is_connected: bool = True


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a task takes of its instance."""

    family: str
    cpu: int
    memory_mib: int
    ports: frozenset[int] = frozenset()
    gpus: int = 0
    attributes: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why an instance does not take a task, as RunTask's failures say it."""

    arn: str
    reason: str


def check_placement(constraints: Sequence[Shape], strategies: Sequence[Shape], error: type[AwsError]) -> None:
    """Raise an error for constraints and strategies that cannot be."""
    if len(constraints) > MAX_CONSTRAINTS:
        raise error(f"placementConstraints can have at most {MAX_CONSTRAINTS} items.")
    if len(strategies) > MAX_STRATEGIES:
        raise error(f"placementStrategy can have at most {MAX_STRATEGIES} items.")
    for constraint in constraints:
        if constraint.get("type") == "memberOf":
            check_expression(constraint.get("expression", ""), error)
        elif constraint.get("expression"):
            raise error("The distinctInstance constraint does not take an expression.")
    for strategy in strategies:
        kind, field = strategy.get("type"), strategy.get("field", "")
        if kind == "binpack" and field.lower() not in _PACKED:
            raise error(f"Invalid placement strategy field: {field}. binpack takes cpu and memory.")
        if kind == "spread" and not field:
            raise error("Placement strategy spread requires a field.")


def place(
    need: Need, instances: Sequence[Instance], constraints: Iterable[Shape], strategies: Iterable[Shape]
) -> Instance | list[Refusal]:
    """The best instance that takes the task, or why each does not."""
    wanted = list(constraints)
    reasons = {instance.arn: refusal(need, instance, wanted) for instance in instances}
    able = [instance for instance in instances if not reasons[instance.arn]]
    if not able:
        return [Refusal(arn=arn, reason=reason) for arn, reason in reasons.items()]
    for strategy in strategies:
        rank = _rank(strategy, able)
        best = min(map(rank, able))
        able = [instance for instance in able if rank(instance) == best]
    return able[0]


def refusal(need: Need, instance: Instance, constraints: Iterable[Shape]) -> str:
    """Why an instance cannot take a task; empty where it can."""
    if not instance.is_connected:
        return "AGENT"
    for constraint in constraints:
        if constraint.get("type") == "distinctInstance":
            if need.family in instance.families:
                return "DistinctInstance placement constraint unsatisfied."
        elif not parse(constraint.get("expression", ""))(instance.subjects):
            return "MemberOf placement constraint unsatisfied."
    if need.attributes - instance.attributes:
        return "ATTRIBUTE"
    if need.gpus:
        return "RESOURCE:GPU"
    if instance.cpu_left is not None and need.cpu > instance.cpu_left:
        return "RESOURCE:CPU"
    if instance.memory_left_mib is not None and need.memory_mib > instance.memory_left_mib:
        return "RESOURCE:MEMORY"
    return "RESOURCE:PORTS" if need.ports & instance.ports_taken else ""


def with_task(instance: Instance, need: Need) -> Instance:
    """The instance once the task is on it."""
    return replace(
        instance,
        cpu_left=None if instance.cpu_left is None else instance.cpu_left - need.cpu,
        memory_left_mib=None if instance.memory_left_mib is None else instance.memory_left_mib - need.memory_mib,
        ports_taken=instance.ports_taken | need.ports,
        families=(*instance.families, need.family),
        task_count=instance.task_count + 1,
    )


def providers_of(strategy: Sequence[Shape], count: int) -> list[str]:
    """The capacity provider of each of ``count`` tasks: bases are filled first, then by weight."""
    given = {item["capacityProvider"]: 0 for item in strategy}
    chosen: list[str] = []
    for item in strategy:
        chosen += [item["capacityProvider"]] * min(item.get("base", 0), count - len(chosen))
    weights = {item["capacityProvider"]: item.get("weight", 0) for item in strategy}
    heavy = {name: weight for name, weight in weights.items() if weight} or dict.fromkeys(weights, 1)
    while len(chosen) < count:
        name = min(heavy, key=lambda name: (given[name] + 1) / heavy[name])
        given[name] += 1
        chosen.append(name)
    return chosen


def _rank(strategy: Shape, instances: Sequence[Instance]) -> Callable[[Instance], float]:
    """Less is better."""
    kind, field = strategy.get("type"), strategy.get("field", "")
    if kind == "random":
        order = {instance.arn: random.random() for instance in instances}
        return lambda instance: order[instance.arn]
    if kind == "binpack":
        by_cpu = field.lower() == "cpu"
        return lambda instance: (instance.cpu_left if by_cpu else instance.memory_left_mib) or 0
    if field in ("instanceId", "host"):
        return lambda instance: instance.task_count
    counts: dict[str, int] = {}
    for instance in instances:
        value = _value(instance, field)
        counts[value] = counts.get(value, 0) + instance.task_count
    return lambda instance: counts[_value(instance, field)]


def _value(instance: Instance, field: str) -> str:
    return next(iter(instance.subjects.get(field, ())), "")
