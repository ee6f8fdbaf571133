"""The rolling update: new tasks take the place of old ones within what the percentages allow. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
"""

from collections import Counter

from aws_api.core.containers import Step
from aws_api.services.ecs.scheduler import event_messages
from aws_api.services.ecs.scheduler.health import Standing
from aws_api.services.ecs.scheduler.percentages import fewest_healthy, most_active
from aws_api.services.ecs.scheduler.scale_in import imbalance, to_stop, zones_of_next
from aws_api.services.ecs.scheduler.specification import DeploymentState, ServiceTask
from aws_api.services.ecs.scheduler.steps import StartTasks, Tell
from aws_api.services.ecs.scheduler.upkeep import (
    MAX_STARTED,
    Crowd,
    is_complete,
    may_start,
    scale_in,
    start,
    stop,
    stop_unhealthy,
)


def roll(crowd: Crowd, primary: DeploymentState) -> list[Step]:
    """The next steps towards the primary deployment's tasks alone."""
    return _Round(crowd, primary).steps()


def is_rolled_out(crowd: Crowd, primary: DeploymentState) -> bool:
    """Whether the primary deployment runs all its tasks, healthy, and no other runs any."""
    others = [task for task in crowd.service.tasks if task.deployment_id != primary.id and not task.is_leaving]
    has_room = not any(task.is_on_draining_instance for task in crowd.staying(primary.id))
    return not others and has_room and is_complete(crowd, primary, primary.desired_count)


class _Round:
    """One look at who there is and what that allows."""

    def __init__(self, crowd: Crowd, primary: DeploymentState) -> None:
        service = crowd.service
        self._crowd, self._service, self._primary = crowd, service, primary
        staying = [task for task in service.tasks if not task.is_leaving]
        self._ours = [task for task in staying if self._is_ours(task)]
        self._others = [task for task in staying if not self._is_ours(task)]
        self._bad = crowd.of(self._ours, Standing.UNHEALTHY)
        self._good = [task for task in self._ours if task not in self._bad]
        self._healthy = crowd.of(staying, Standing.HEALTHY)
        self._wanted = primary.desired_count
        self._lacking = self._wanted - len(self._good)
        self._fewest = fewest_healthy(self._wanted, service.minimum_percent)
        self._room = most_active(self._wanted, service.maximum_percent) - len(staying)

    def steps(self) -> list[Step]:
        steps = [*self._start(), *self._stop_unhealthy(), *self._stop_others(), *self._scale_in()]
        return steps or [*self._rebalance(), *self._tell_if_stuck()]

    def _is_ours(self, task: ServiceTask) -> bool:
        return task.deployment_id == self._primary.id and not task.is_on_draining_instance

    def _start(self) -> list[Step]:
        count = min(self._lacking, self._room, MAX_STARTED)
        if count <= 0 or not may_start(self._primary, self._crowd.now):
            return []
        if self._service.is_daemon:
            return self._start_on_instances(count)
        replaced = min(len(self._bad), count)
        return [start(self._service, self._primary, self._good, count, replaced)]

    def _start_on_instances(self, count: int) -> list[Step]:
        """A daemon's tasks: one on each instance that has none."""
        taken = {task.instance_arn for task in self._good}
        free = [arn for arn in self._service.instances if arn not in taken]
        return [
            StartTasks(deployment_id=self._primary.id, zones=("",), instance_arn=arn, cause="the instance has no task")
            for arn in free[:count]
        ]

    def _stop_unhealthy(self) -> list[Step]:
        """Once they are replaced; one by one where their replacements have no room and nothing else can make some."""
        replaced = len(self._crowd.of(self._good, Standing.HEALTHY)) + len(self._bad) - self._wanted
        on_the_way = self._crowd.of(self._good, Standing.PENDING, Standing.WAITING)
        if replaced <= 0 and self._is_blocked and not on_the_way and not self._stop_others():
            replaced = 1
        return stop_unhealthy(self._crowd, self._primary, self._bad, replaced)

    def _stop_others(self) -> list[Step]:
        """Those that do not serve at once; of the others as many as are not needed."""
        floor = self._fewest if self._is_blocked or self._is_draining else max(self._fewest, self._wanted)
        serving = self._crowd.of(self._others, Standing.HEALTHY)
        idle = [task for task in self._others if task not in serving]
        spare = max(len(self._healthy) - floor, 0)
        standing = self._crowd.standing
        chosen = [*to_stop(idle, len(idle), standing), *to_stop(serving, spare, standing)]
        steps: list[Step] = []
        for deployment in self._service.deployments:
            tasks = [task for task in chosen if task.deployment_id == deployment.id]
            if tasks:
                cause = "their instance is draining" if deployment.id == self._primary.id else "a newer one replaces it"
                steps.append(stop(self._primary, deployment, tasks, cause))
        return steps

    def _scale_in(self) -> list[Step]:
        surplus = -self._lacking
        if surplus <= 0:
            return []
        on_the_way = self._crowd.of(self._good, Standing.PENDING, Standing.WAITING)
        if self._service.rebalances_zones and surplus == 1 and on_the_way:
            # The surplus is what moves a task to another zone: it is to be there first.
            return []
        # Who is not healthy goes first; what then remains must be enough.
        serving = len(self._crowd.of(self._good, Standing.HEALTHY))
        movable = sum(not task.is_protected for task in on_the_way)
        most = movable + max(min(serving, len(self._healthy) - self._fewest), 0)
        return scale_in(self._crowd, self._primary, self._good, min(surplus, most))

    def _rebalance(self) -> list[Step]:
        service, zones = self._service, self._primary.zones
        if not (service.rebalances_zones and self._room > 0 and is_rolled_out(self._crowd, self._primary)):
            return []
        if imbalance(self._good, zones) < 2:
            return []
        crowds = Counter(dict.fromkeys(zones, 0))
        crowds.update(task.zone for task in self._good)
        cause = "the zones are out of balance"
        return [
            Tell(message=event_messages.not_balanced(service.name, crowds), cause=cause),
            StartTasks(
                deployment_id=self._primary.id,
                zones=zones_of_next(self._good, zones, 1),
                is_rebalancing=True,
                cause=cause,
            ),
        ]

    def _tell_if_stuck(self) -> list[Step]:
        is_moving = len(self._service.tasks) > len(self._healthy)
        if is_moving or not self._is_blocked or not self._others:
            return []
        return [Tell(message=event_messages.stuck(self._service.name), cause="the percentages allow neither")]

    @property
    def _is_blocked(self) -> bool:
        """Whether tasks are to be started for which there is no room."""
        return self._lacking > 0 and self._room <= 0 and may_start(self._primary, self._crowd.now)

    @property
    def _is_draining(self) -> bool:
        return any(task.is_on_draining_instance for task in self._others)
