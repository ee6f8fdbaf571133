"""When a deployment has failed, and how long a service whose tasks fail to start waits before the next. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-throttle-logic.html
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from aws_api.services.ecs.scheduler.specification import CircuitBreaker, DeploymentState

MIN_THRESHOLD = 3
MAX_THRESHOLD = 200
DEFAULT_PERCENT = 50

#: Failures in a row that are taken as they come.
FREE_FAILURES = 3
FIRST_DELAY_S = 10
LONGEST_DELAY_S = 27 * 60


def circuit_breaker(configuration: Mapping[str, Any], desired_count: int) -> CircuitBreaker | None:
    """The breaker that a deployment configuration asks for, with its threshold at the service's desired count."""
    asked = configuration.get("deploymentCircuitBreaker", {})
    if not asked.get("enable"):
        return None
    return CircuitBreaker(
        threshold=threshold(asked.get("thresholdConfiguration", {}), desired_count),
        rolls_back=asked.get("rollback", False),
        resets_on_healthy_task=asked.get("resetOnHealthyTask", True),
    )


def threshold(configuration: Mapping[str, Any], desired_count: int) -> int:
    """How many failed tasks fail the deployment."""
    value = configuration.get("value", DEFAULT_PERCENT)
    share = -(-desired_count * value // 100)
    match configuration.get("type", "BOUNDED_PERCENT"):
        case "COUNT":
            return max(int(value), 1)
        case "UNBOUNDED_PERCENT":
            return max(int(share), 1)
        case _:
            return int(min(max(share, MIN_THRESHOLD), MAX_THRESHOLD))


def is_throttled(deployment: DeploymentState) -> bool:
    """Whether its tasks have failed so often in a row that the next ones wait."""
    return deployment.failures_in_a_row > FREE_FAILURES


def starts_again_at(deployment: DeploymentState) -> datetime | None:
    """Until when no further task is started; None where nothing holds."""
    if not is_throttled(deployment) or deployment.last_failure_at is None:
        return None
    doublings = min(deployment.failures_in_a_row - FREE_FAILURES - 1, 10)
    return deployment.last_failure_at + timedelta(seconds=min(FIRST_DELAY_S * 2**doublings, LONGEST_DELAY_S))
