"""Calling the lifecycle hooks of deployments: webhooks on this machine, in the place of Lambda functions.

What is called gets the event that ECS hands to a function, and answers as the function would: an object with
``hookStatus`` SUCCEEDED, FAILED or IN_PROGRESS, and ``callBackDelay`` in seconds with the last.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
import requests

from aws_api.core.context import internal_context
from aws_api.core.errors import AwsError
from aws_api.core.ids import new_uuid
from aws_api.core.invoke import invoke
from aws_api.services.ecs.models import Service, ServiceDeployment
from aws_api.services.ecs.scheduler.lifecycle_hooks import CALL_AGAIN_S, PAUSE
from aws_api.services.ecs.scheduler.loading import process_row
from aws_api.services.ecs.scheduler.steps import EndHook, RunHook

TIMEOUT_S = 30
MAX_ANSWER_BYTES = 64 * 1024
_OUTCOMES = ("SUCCEEDED", "FAILED", "IN_PROGRESS")


def run_hook(service: Service, step: RunHook, now: datetime) -> None:
    """Call a hook and write down what it answered; a pause waits for ContinueServiceDeployment."""
    process = process_row(service)
    if process is None:
        return
    hook = process.document["lifecycleHooks"][step.index]
    runs = list(process.last_hooks)
    run = next((each for each in runs if (each["index"], each["stage"], each["percent"]) == _key(step)), None)
    if run is None:
        run = _new_run(hook, step, now)
        runs.append(run)
    if run["type"] != PAUSE:
        status, delay_s = _call(service, process, hook, step)
        run["status"] = status
        run["next_call_at"] = (now + timedelta(seconds=delay_s)).isoformat() if status == "IN_PROGRESS" else None
    _write(process, runs, now)


def end_hook(service: Service, step: EndHook, now: datetime) -> None:
    """Write down how a hook came out."""
    process = process_row(service)
    if process is not None:
        runs = [{**run, "status": step.status} if run["id"] == step.hook_id else run for run in process.last_hooks]
        _write(process, runs, now)


def _key(step: RunHook) -> tuple[int, str, float]:
    return step.index, step.stage, step.percent


def _new_run(hook: Mapping[str, Any], step: RunHook, now: datetime) -> dict[str, Any]:
    timeout = hook.get("timeoutConfiguration", {})
    kind = hook.get("targetType", "AWS_LAMBDA")
    return {
        "id": new_uuid(),
        "index": step.index,
        "stage": step.stage,
        "percent": step.percent,
        "type": kind,
        "target": hook.get("hookTargetArn", ""),
        "status": "AWAITING_ACTION" if kind == PAUSE else "IN_PROGRESS",
        "expires_at": (now + timedelta(minutes=timeout.get("timeoutInMinutes", 1440))).isoformat(),
        "timeout_action": timeout.get("action", "ROLLBACK"),
        "next_call_at": None,
    }


def _call(service: Service, process: ServiceDeployment, hook: Mapping[str, Any], step: RunHook) -> tuple[str, float]:
    """The hook's status, and in how many seconds to ask again. What cannot be reached has failed."""
    event = {
        "executionDetails": {
            "serviceArn": service.arn,
            "targetServiceRevisionArn": process.target.revision_arn,
            "testTrafficWeights": {process.target.revision_arn: process.last_test_percent},
            "productionTrafficWeights": {process.target.revision_arn: process.last_production_percent},
        },
        "executionId": process.service_deployment_id,
        "lifecycleStage": step.stage,
        "resourceArn": process.arn,
        "hookDetails": hook.get("hookDetails"),
    }
    target = hook["hookTargetArn"]
    try:
        answer = _post(target, event) if target.startswith(("http://", "https://")) else _invoke(service, target, event)
    except (requests.RequestException, AwsError, ValueError):
        return "FAILED", 0
    status = answer.get("hookStatus")
    delay_s = answer.get("callBackDelay", CALL_AGAIN_S)
    is_number = isinstance(delay_s, int | float) and not isinstance(delay_s, bool)
    return (status if status in _OUTCOMES else "FAILED"), (max(float(delay_s), 1.0) if is_number else CALL_AGAIN_S)


def _post(url: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
    headers = {"Content-Type": "application/json"}
    with requests.post(url, data=orjson.dumps(event), headers=headers, timeout=TIMEOUT_S, stream=True) as response:
        response.raise_for_status()
        return _object(response.raw.read(MAX_ANSWER_BYTES, decode_content=True))


def _invoke(service: Service, function_arn: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
    context = internal_context(service.account_id, service.region)
    answer = invoke(context, "lambda", "Invoke", {"FunctionName": function_arn, "Payload": orjson.dumps(event)})
    return _object(answer["Payload"])


def _object(text: bytes) -> Mapping[str, Any]:
    found = orjson.loads(text)
    if not isinstance(found, dict):
        raise ValueError("a hook answers an object")
    return found


def _write(process: ServiceDeployment, runs: list[dict[str, Any]], now: datetime) -> None:
    ServiceDeployment.objects.filter(pk=process.pk).update(last_hooks=runs, last_updated_at=now)
