"""Carries out what faults do to tasks that run: kills, takes memory, disturbs networks, takes capacity away.

It begins when a fault is made or a task runs, and ends when the fault is removed or over. The sweep finds both again,
so that a restart of ours and a lost kick change nothing.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from aws_api.core.changes import StateChange, subscribe
from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.containers import LABEL_KEY, LABEL_KIND, ContainerSpec, Observation, OwnStep, Plan, Scope
from aws_api.core.faults import (
    EffectType,
    FaultRule,
    accounts_with_task_faults,
    claim,
    collect_faults,
    follow_faults,
    hits_of_ended,
    is_chosen,
    note_failure,
    seed_of_account,
    task_faults,
    was_hit,
)
from aws_api.core.housekeeping import register_chore
from aws_api.core.network import network_provider
from aws_api.core.reconcile import Round, kick, register_controller
from aws_api.core.sidecars import FILTER_PORT
from aws_api.core.target_checks import fail_checks
from aws_api.services.ecs.faults.overlay import check_interval_s, fails_now
from aws_api.services.ecs.faults.scope import is_about, rules_of, suffered
from aws_api.services.ecs.faults.specification import Blow, Strike, TaskFaults, decide, disturbance
from aws_api.services.ecs.interruptions import SPOT_INTERRUPTION, stop_for
from aws_api.services.ecs.lifecycle import TaskStatus
from aws_api.services.ecs.models import Task
from aws_api.services.ecs.scheduler.places import private_address
from aws_api.services.ecs.specification import Stop, StopCode
from aws_api.services.ecs.specifications import KIND as TASK_KIND
from aws_api.services.ecs.specifications import pause_container_name, task_container_name

KIND = "ecs.task-fault"
MAX_TASKS = 1000
NETWORK_EFFECTS = (EffectType.NETWORK_CUT, EffectType.NETWORK_LATENCY, EffectType.NETWORK_PACKET_LOSS)
_CAPACITY = (EffectType.AVAILABILITY_ZONE_LOSS, EffectType.CONTAINER_INSTANCE_LOSS)
BLOWS = (
    EffectType.KILL,
    EffectType.OUT_OF_MEMORY,
    EffectType.SPOT_INTERRUPTION,
    *_CAPACITY,
)


class TaskFaultController:
    """The controller of ``ecs.task-fault``; the key is the task's ARN."""

    kind = KIND

    def load(self, key: str) -> TaskFaults | None:
        row = Task.objects.select_related("cluster", "task_definition").filter(arn=key).first()
        if row is None:
            return None
        if row.last_status != TaskStatus.RUNNING or row.desired_status != "RUNNING":
            # One that starts or stops is hit where it is placed; its network is left to it.
            return TaskFaults(arn=row.arn, blows=_blows(row, _CAPACITY) if row.desired_status == "RUNNING" else ())
        network = suffered(row, *NETWORK_EFFECTS) if row.network else []
        checks = rules_of(row, EffectType.UNHEALTHY)
        return TaskFaults(
            arn=row.arn,
            disturbance=_disturbance(row, network) if network else None,
            blows=_blows(row, BLOWS),
            fault_ids=tuple(rule.fault_id for rule in network),
            looks_again_s=_next_look_s([*network, *checks]),
            wakes_task=bool(checks),
            place=_place(row),
            fails_checks=any(not rule.scope.get("container") and fails_now(rule, row, "") for rule in checks),
        )

    def scope(self, desired: TaskFaults) -> Scope:
        return Scope(labels={LABEL_KIND: KIND, LABEL_KEY: desired.arn})

    def decide(self, desired: TaskFaults, observed: Observation, now: datetime) -> Plan:
        return decide(desired, observed, now)

    def take(self, desired: TaskFaults, step: OwnStep) -> bool:
        assert isinstance(step, Strike), f"no such step: {step!r}"
        if not claim(step.blow.rule, step.blow.subject):
            return False
        row = Task.objects.filter(arn=desired.arn).first()
        if row is not None and step.blow.stop is not None:
            stop_for(row, step.blow.stop)
        return True

    def record(self, desired: TaskFaults, outcome: Round) -> None:
        if desired.place:
            fail_checks(*desired.place, fails=desired.fails_checks)
        if desired.wakes_task:
            kick(TASK_KIND, desired.arn)
        ids = {*desired.fault_ids, *(blow.rule.fault_id for blow in desired.blows)}
        failed = {each for each in ids if outcome.failure and each in outcome.failure.step.cause}
        if outcome.failure:
            note_failure(list(failed), outcome.failure.reason)
        if outcome.plan and (well := ids - failed):
            note_failure(list(well), "")

    def unsettled(self, now: datetime) -> Iterable[str]:
        arns = [task.arn for account_id in accounts_with_task_faults(now) for task in _living(account_id)]
        return [*_tasks_of_ended(now), *arns][:MAX_TASKS]


def _tasks_of_ended(now: datetime) -> list[str]:
    """The tasks that faults did something to which is undone now that they are over."""
    subjects = hits_of_ended(now, *NETWORK_EFFECTS, EffectType.UNHEALTHY)
    return sorted({"/".join(subject.split("/")[:3]) for subject in subjects})


def _place(row: Task) -> tuple[str, str, str] | None:
    """Where a task is that has an address of its own."""
    address = private_address(row)
    return (row.account_id, row.region, address) if address else None


def _living(account_id: str) -> Iterable[Task]:
    """The account's tasks that some fault is about."""
    rules = task_faults(account_id)
    rows = Task.objects.filter(account_id=account_id).exclude(last_status=TaskStatus.STOPPED)
    return [row for row in rows.order_by("pk")[:MAX_TASKS] if any(is_about(rule, row) for rule in rules)]


def _disturbance(row: Task, rules: Iterable[FaultRule]) -> ContainerSpec | None:
    attachment = network_provider().describe(row.account_id, row.region, row.network["interface_id"])
    if attachment is None:
        return None
    passing, latency_ms, jitter_ms, is_cut = 1.0, 0.0, 0.0, False
    for rule in rules:
        is_cut = is_cut or rule.effect_type == EffectType.NETWORK_CUT
        passing *= 1 - rule.effect.get("loss", 0)
        latency_ms += rule.effect.get("latency_ms", 0)
        jitter_ms += rule.effect.get("jitter_ms", 0)
    return disturbance(
        pause_name=pause_container_name(row),
        image=settings.SIMFRA_SIDECAR_IMAGE,
        labels={LABEL_KIND: KIND, LABEL_KEY: row.arn},
        environment={
            "CUT": str(int(is_cut)),
            "LOSS": f"{1 - passing:.6f}",
            "LATENCY_MS": f"{latency_ms:g}",
            "JITTER_MS": f"{jitter_ms:g}",
            "GATEWAY": attachment.gateway_address,
            "FILTER_PORT": str(FILTER_PORT),
        },
    )


def _blows(row: Task, effect_types: Iterable[EffectType]) -> list[Blow]:
    found = []
    for rule in rules_of(row, *effect_types):
        containers = _containers(row, rule)
        subject = f"{row.arn}/{containers[0][1]}" if rule.scope.get("container") and containers else row.arn
        stop = _stop_of(rule, row)
        is_hit = is_chosen(rule, subject) and not was_hit(rule, subject)
        if not is_hit or not (containers or stop):
            continue
        found.append(
            Blow(
                rule=rule,
                subject=subject,
                due_at=_due_at(rule, row, subject),
                containers=() if rule.effect_type == EffectType.SPOT_INTERRUPTION else containers,
                exhausts_memory=rule.effect_type == EffectType.OUT_OF_MEMORY,
                stop=stop,
            )
        )
    return found


def _containers(row: Task, rule: FaultRule) -> tuple[tuple[str, str], ...]:
    """Who is killed, of those that run: all of a task that loses its host; else one, an essential one first."""
    shapes: list[Mapping[str, Any]] = sorted(
        row.task_definition.document["containerDefinitions"], key=lambda shape: not shape.get("essential", True)
    )
    names = [
        shape["name"]
        for shape in shapes
        if row.last_containers.get(shape["name"], {}).get("status") == "RUNNING"
        and rule.matches(row.region, container=shape["name"])
    ]
    found = tuple((task_container_name(row, name), name) for name in names)
    return found if rule.effect_type in _CAPACITY else found[:1]


def _stop_of(rule: FaultRule, row: Task) -> Stop | None:
    match rule.effect_type:
        case EffectType.SPOT_INTERRUPTION:
            return SPOT_INTERRUPTION
        case EffectType.AVAILABILITY_ZONE_LOSS:
            reason = f"The Availability Zone {rule.effect['zone']} that the task ran in is not available."
            return Stop(code=StopCode.TERMINATION_NOTICE, reason=reason)
        case EffectType.CONTAINER_INSTANCE_LOSS:
            name = f"i-{row.container_instance_arn.rpartition('/')[2][:17]}"
            return Stop(code=StopCode.TERMINATION_NOTICE, reason=f"Host EC2 (instance {name}) terminated.")
    return None


def _due_at(rule: FaultRule, row: Task, subject: str) -> datetime:
    """At once, or at some time within the interval that the fault names."""
    begins = max(rule.created_at, row.last_started_at or rule.created_at)
    share = rule.share(seed_of_account(row.account_id), f"when {subject}")
    return begins + timedelta(seconds=rule.effect.get("within_s", 0) * share)


def _next_look_s(rules: Iterable[FaultRule]) -> float | None:
    """When one of the rules ends, or decides anew."""
    now = SYSTEM_CLOCK.now()
    waits = []
    for rule in rules:
        waits.append((rule.expires_at - now).total_seconds())
        if rule.effect_type == EffectType.UNHEALTHY:
            every_s = check_interval_s(rule)
            waits.append(every_s - now.timestamp() % every_s)
    return min(waits, default=None)


@follow_faults
def kick_tasks_of(rule: FaultRule) -> None:
    """A fault was made or removed: whom it is about is looked at, now."""
    rows = Task.objects.filter(account_id=rule.account_id).exclude(last_status=TaskStatus.STOPPED)
    for row in rows.order_by("pk")[:MAX_TASKS]:
        if is_about(rule, row):
            kick(KIND, row.arn)
            kick(TASK_KIND, row.arn)


@subscribe
def kick_who_began_or_ended(change: StateChange) -> None:
    """A task that runs may be hit by what is in force; of one that stops, what disturbed its network goes."""
    if change.kind == TASK_KIND and change.after in (TaskStatus.RUNNING, TaskStatus.STOPPED):
        row = Task.objects.filter(arn=change.key).first()
        if row is not None and rules_of(row):
            kick(KIND, change.key)


register_controller(TaskFaultController())
register_chore(collect_faults)
