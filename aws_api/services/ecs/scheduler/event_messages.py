"""What the scheduler writes into a service's events, as ECS words it. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html
"""

from collections import Counter
from collections.abc import Mapping, Sequence

TROUBLESHOOTING = "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
#: RunTask's reasons, as events say them.
_LACKS = {
    "RESOURCE:CPU": "has insufficient CPU units available",
    "RESOURCE:MEMORY": "has insufficient memory available",
    "RESOURCE:PORTS": "is already using a port required by your task",
    "RESOURCE:GPU": "has insufficient GPU resource available",
}
AZ_BALANCED = "AZ balanced"
NOT_BALANCED = f"is not {AZ_BALANCED}"
NO_INSTANCES = "No Container Instances were found in your cluster."


def of_service(name: str, message: str) -> str:
    return f"(service {name}) {message}"


def steady(name: str) -> str:
    return of_service(name, "has reached a steady state.")


def task_set_steady(name: str, task_set: str) -> str:
    return f"(service {name}, taskSet {task_set}) has reached a steady state."


def started(name: str, task_ids: Sequence[str], task_set: str = "", replaced: int = 0) -> str:
    text = f"{_who(name, task_set)} has started {len(task_ids)} tasks: {_tasks(task_ids)}."
    return f"{text} Amazon ECS replaced {replaced} tasks due to an unhealthy status." if replaced else text


def stopped(name: str, task_ids: Sequence[str], task_set: str = "") -> str:
    return f"{_who(name, task_set)} has stopped {len(task_ids)} running tasks: {_tasks(task_ids)}."


def rebalancing_started(name: str, zone: str, task_ids: Sequence[str]) -> str:
    return of_service(name, f"has started {len(task_ids)} tasks in {zone} to AZ Rebalance: {_tasks(task_ids)}.")


def not_balanced(name: str, crowds: Mapping[str, int]) -> str:
    return of_service(name, f"{NOT_BALANCED} with {_crowds(crowds)}. AZ Rebalancing in progress.")


def balanced(name: str, crowds: Mapping[str, int]) -> str:
    return of_service(name, f"is {AZ_BALANCED} with {_crowds(crowds)}.")


def registered(name: str, count: int, target_group: str) -> str:
    return of_service(name, f"registered {count} targets in (target-group {target_group})")


def deregistered(name: str, count: int, target_group: str) -> str:
    return of_service(name, f"deregistered {count} targets in (target-group {target_group})")


def draining(name: str, deployment: str, count: int) -> str:
    return f"(service {name}, taskSet {deployment}) has begun draining connections on {count} tasks."


def unhealthy_container(name: str, task_id: str) -> str:
    return f"(service {name}) (task {task_id}) failed container health checks."


def unhealthy_target(name: str, subject: str, port: int, target_group: str, reason: str) -> str:
    return (
        f"(service {name}) ({subject}) (port {port}) is unhealthy in (target-group {target_group}) due to (reason "
        f"{reason or 'Health checks failed'})"
    )


def unplaced(name: str, reasons: Sequence[Mapping[str, str]]) -> str:
    """Why a task found no place; ``reasons`` are RunTask's failures, none where the cluster has no instance."""
    text = "was unable to place a task because no container instance met all of its requirements. "
    if not reasons:
        return of_service(name, f"{text}Reason: {NO_INSTANCES} {TROUBLESHOOTING}")
    reason, _ = Counter(failure["reason"] for failure in reasons).most_common(1)[0]
    instance = next(failure["arn"] for failure in reasons if failure["reason"] == reason).rpartition("/")[2]
    lack = _LACKS.get(reason, 'encountered error "' + reason.rstrip(".") + '"')
    return of_service(name, f"{text}The closest matching (container-instance {instance}) {lack}. {TROUBLESHOOTING}")


def not_launched(name: str, error: str) -> str:
    return of_service(name, f"failed to launch a task with (error {error}).")


def not_registered(name: str, resource: str, error: str) -> str:
    return of_service(name, f"failed to register targets in ({resource}) with (error {error}).")


def throttled(name: str) -> str:
    return of_service(name, "is unable to consistently start tasks successfully. " + TROUBLESHOOTING)


def stuck(name: str) -> str:
    return of_service(
        name,
        "was unable to stop or start tasks during a deployment because of the service deployment configuration. "
        "Update the minimumHealthyPercent or maximumPercent value and try again.",
    )


def protected(name: str, count: int) -> str:
    return of_service(name, f"was unable to scale in due to (reason {count} tasks under protection)")


def deployment_completed(name: str, deployment: str) -> str:
    return f"(service {name}) (deployment {deployment}) deployment completed."


def deployment_failed(name: str, deployment: str, why: str) -> str:
    return f"(service {name}) (deployment {deployment}) deployment failed: {why}"


def rolling_back(name: str, deployment: str) -> str:
    return of_service(name, f"rolling back to deployment {deployment}.")


def _who(name: str, task_set: str) -> str:
    return f"(service {name}, taskSet {task_set})" if task_set else f"(service {name})"


def _tasks(task_ids: Sequence[str]) -> str:
    return " ".join(f"(task {task_id})" for task_id in task_ids)


def _crowds(crowds: Mapping[str, int]) -> str:
    each = [f"{count} tasks in {zone}" for zone, count in sorted(crowds.items())]
    if len(each) < 3:
        return " and ".join(each)
    return ", ".join(each[:-1]) + f", and {each[-1]}"
