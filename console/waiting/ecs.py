"""Tasks that reach a status, and services that are steady."""

from dataclasses import dataclass

from console.waiting.condition import Condition, Seen

#: ECS's statuses in their order: a task that is past one never comes back to it.
STATUSES = (
    "PROVISIONING",
    "PENDING",
    "ACTIVATING",
    "RUNNING",
    "DEACTIVATING",
    "STOPPING",
    "DEPROVISIONING",
    "STOPPED",
)


@dataclass(frozen=True, kw_only=True)
class TaskHasStatus(Condition):
    """A task's lastStatus is one. ``task`` is its ARN, or its id with the cluster."""

    task: str
    status: str
    cluster: str = ""

    services = frozenset({"ecs"})
    kinds = ("ecs.task",)

    async def seen(self) -> Seen:
        cluster = self.cluster or (self.task.split("/")[-2] if self.task.count("/") > 1 else "default")
        answer = await self.call("ecs", "DescribeTasks", cluster=cluster, tasks=[self.task])
        if not answer["tasks"]:
            return Seen(holds=False, why=f"The cluster {cluster} has no task {self.task}.")
        task = answer["tasks"][0]
        last = task["lastStatus"]
        found = {
            "taskArn": task["taskArn"],
            "lastStatus": last,
            "desiredStatus": task["desiredStatus"],
            "stoppedReason": task.get("stoppedReason", ""),
            "containers": [
                {name: container[name] for name in ("name", "lastStatus", "exitCode", "reason") if name in container}
                for container in task["containers"]
            ],
        }
        if last == self.status:
            return Seen(holds=True, why=f"The task is {last}.", found=found)
        is_past = last in STATUSES and STATUSES.index(last) > STATUSES.index(self.status)
        reason = f" ({found['stoppedReason']})" if found["stoppedReason"] else ""
        return Seen(holds=False, why=f"The task is {last}{reason}, not {self.status}.", found=found, never=is_past)


@dataclass(frozen=True, kw_only=True)
class ServiceIsSteady(Condition):
    """A service has one deployment, and as many tasks running as desired: what AWS's waiter services_stable waits for.

    https://docs.aws.amazon.com/cli/latest/reference/ecs/wait/services-stable.html
    """

    service: str
    cluster: str = "default"

    services = frozenset({"ecs"})
    kinds = ("ecs.",)

    async def seen(self) -> Seen:
        answer = await self.call("ecs", "DescribeServices", cluster=self.cluster, services=[self.service])
        if not answer["services"]:
            return Seen(holds=False, why=f"The cluster {self.cluster} has no service {self.service}.")
        service = answer["services"][0]
        running, desired, deployments = service["runningCount"], service["desiredCount"], len(service["deployments"])
        events = [event["message"] for event in service.get("events", ())[:3]]
        found = {
            "serviceArn": service["serviceArn"],
            "status": service["status"],
            "runningCount": running,
            "desiredCount": desired,
            "deployments": deployments,
            "events": events,
        }
        if service["status"] != "ACTIVE":
            return Seen(holds=False, why=f"The service is {service['status']}.", found=found, never=True)
        if deployments == 1 and running == desired:
            return Seen(holds=True, why=f"{running} of {desired} tasks run, in one deployment.", found=found)
        last = f" Last event: {events[0]}" if events else ""
        why = f"{running} of {desired} tasks run, in {deployments} deployments.{last}"
        return Seen(holds=False, why=why, found=found)
