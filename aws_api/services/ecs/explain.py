"""Why a task is as it is: everything that is known of it, in one answer, with what to do next."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import redis

from aws_api.core import log_tail
from aws_api.core.decisions import decisions_without_request, explained
from aws_api.core.execution import run_on_loop
from aws_api.core.models import PlanRecord, Transition
from aws_api.core.pull_reports import PullReport, pull_reports
from aws_api.services.ecs.advice import facts_of, meaning_of, next_steps
from aws_api.services.ecs.container_specs import DEFAULT_STOP_TIMEOUT_S, overridden
from aws_api.services.ecs.describe import task_row
from aws_api.services.ecs.fields import stored_uses
from aws_api.services.ecs.models import Task
from aws_api.services.ecs.specifications import KIND, task_container_name

Shape = dict[str, Any]

LOG_LINES = 20
MAX_TIMELINE = 500


def explain(row: Task) -> Shape:
    """The task's timeline, permissions, containers, stored fields and next steps, ready for JSON but for its times."""
    described, definition = task_row(row), row.task_definition.document
    overrides = {one.get("name"): one for one in row.document.get("overrides", {}).get("containerOverrides", ())}
    shapes = [overridden(each, overrides.get(each["name"])) for each in definition["containerDefinitions"]]
    records = row.last_containers
    pulls = pull_reports(sorted({shape["image"] for shape in shapes}))
    facts = [facts_of(shape, records.get(shape["name"], {}), DEFAULT_STOP_TIMEOUT_S) for shape in shapes]
    stop_code, reason = described.get("stopCode", ""), described.get("stoppedReason", "")
    return {
        "taskArn": row.arn,
        "taskDefinition": f"{row.family}:{row.task_definition.revision}",
        "lastStatus": row.last_status,
        "desiredStatus": described["desiredStatus"],
        "stopCode": stop_code,
        "stoppedReason": reason,
        "held": row.desired_hold,
        "nextSteps": next_steps(
            status=row.last_status, stop_code=stop_code, reason=reason, containers=facts, is_held=row.desired_hold
        ),
        "timeline": _timeline(row),
        "containers": [
            _container(row, shape, records.get(shape["name"], {}), pulls.get(shape["image"])) for shape in shapes
        ],
        "access": _access(row),
        "storedOnly": [asdict(use) for use in stored_uses(definition)],
    }


def _access(row: Task) -> list[Shape]:
    """What ECS asked for in the task's name before it started (secrets, images, log streams), and what was decided.

    None while Valkey is away.
    """
    try:
        kept = run_on_loop(decisions_without_request())
    except (redis.ConnectionError, redis.TimeoutError):
        return []
    of_task = [each for each in reversed(kept) if each["principal"].endswith(f"/{row.task_id}")]
    return [{"at": each["started"], "requestId": each["id"], **explained(each)} for each in of_task]


def _timeline(row: Task) -> list[Shape]:
    """Changes of status and executed plans, in order of time."""
    keys = {"kind": KIND, "key": row.arn}
    passed = Transition.objects.filter(**keys).order_by("at", "pk")[:MAX_TIMELINE]
    plans = PlanRecord.objects.filter(**keys).order_by("at", "pk")[:MAX_TIMELINE]
    entries: list[Shape] = [
        {"at": step.at, "type": "status", "before": step.before, "after": step.after, "cause": step.cause}
        for step in passed
    ]
    entries += [
        {"at": plan.at, "type": "plan", "steps": list(_steps(plan.text)), "failure": plan.failure} for plan in plans
    ]
    return sorted(entries, key=lambda entry: entry["at"])


def _steps(text: str) -> Iterable[Shape]:
    for line in text.splitlines():
        step, _, cause = line.partition(": ")
        yield {"step": step, "cause": cause}


def _container(row: Task, shape: Mapping[str, Any], record: Mapping[str, Any], pull: PullReport | None) -> Shape:
    name = task_container_name(row, shape["name"])
    exit_code = record.get("exit_code")
    return {
        "name": shape["name"],
        "engineName": name,
        "essential": shape.get("essential", True),
        "image": shape["image"],
        "imageDigest": record.get("image_digest") or (pull.digest if pull else ""),
        "pull": asdict(pull) if pull else None,
        "lastStatus": record.get("status", "PENDING"),
        "exitCode": exit_code,
        "exitCodeMeaning": meaning_of(exit_code),
        "reason": record.get("reason", ""),
        "outOfMemory": record.get("out_of_memory", False),
        "restarts": record.get("restarts", 0),
        "health": {"status": record.get("health", "UNKNOWN"), "output": record.get("health_output", "")},
        "startedAt": record.get("started_at"),
        "finishedAt": record.get("finished_at"),
        "logs": _last_lines(name),
    }


def _last_lines(engine_name: str) -> list[Shape]:
    """The last lines of a container's output; none while Valkey is away."""
    try:
        entries = run_on_loop(log_tail.latest(engine_name, LOG_LINES))
    except (redis.ConnectionError, redis.TimeoutError):
        return []
    return [
        {
            "at": datetime.fromtimestamp(entry.line.at_ns / 1_000_000_000, UTC),
            "stream": entry.line.stream,
            "message": entry.line.message,
        }
        for entry in entries
    ]
