"""What holds for every service, whatever it has been through: decide alone, in a world that answers its steps."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aws_api.services.ecs.scheduler.health import Standing, standing
from aws_api.services.ecs.scheduler.percentages import fewest_healthy, most_active
from aws_api.services.ecs.scheduler.reconcile import decide
from aws_api.services.ecs.scheduler.specification import DeploymentState, Process, ServiceSpec, ServiceTask
from aws_api.services.ecs.scheduler.steps import (
    CompleteDeployment,
    RetireDeployment,
    SetSteady,
    StartTasks,
    StopTasks,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")
MAX_ROUNDS = 200
#: On a machine that does other things as well an example takes its time.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

STATES = ("pending", "healthy", "unhealthy", "leaving")


def task(number: int, deployment: str, state: str, zone: str = "", *, is_protected: bool = False) -> ServiceTask:
    return ServiceTask(
        arn=f"arn:task/{number}",
        task_id=f"{number:032x}",
        deployment_id=deployment,
        created_at=LONG_AGO + timedelta(seconds=number),
        started_at=None if state == "pending" else LONG_AGO,
        is_running=state != "pending",
        is_leaving=state == "leaving",
        has_health_check=True,
        health="UNHEALTHY" if state == "unhealthy" else "HEALTHY",
        zone=zone,
        is_protected=is_protected,
    )


@st.composite
def services(draw: st.DrawFn) -> ServiceSpec:
    """Services in the middle of anything."""
    desired = draw(st.integers(0, 12))
    fewest = draw(st.sampled_from([0, 33, 50, 100]))
    most = draw(st.sampled_from([100, 110, 150, 200]).filter(lambda percent: percent > fewest or fewest < 100))
    old = draw(st.booleans())
    zones = draw(st.sampled_from([(), ZONES[:1], ZONES]))
    deployments = [DeploymentState(id="2", status="PRIMARY", desired_count=desired, created_at=NOW, zones=zones)]
    if old:
        deployments.append(DeploymentState(id="1", status="ACTIVE", desired_count=desired, created_at=LONG_AGO))
    tasks = [
        task(
            number,
            draw(st.sampled_from([each.id for each in deployments])),
            draw(st.sampled_from(STATES)),
            draw(st.sampled_from(zones or ("",))),
            is_protected=draw(st.integers(0, 9)) == 0,
        )
        for number in range(draw(st.integers(0, 16)))
    ]
    return ServiceSpec(
        arn="arn:service",
        name="web",
        version=1,
        desired_count=desired,
        minimum_percent=fewest,
        maximum_percent=most,
        rebalances_zones=draw(st.booleans()),
        deployments=tuple(deployments),
        tasks=tuple(tasks),
        process=Process(id="p", target_id="2", source_ids=("1",) if old else (), status="IN_PROGRESS"),
    )


class World:
    """A world in which tasks that are started get healthy, and those that are stopped are gone, one round later."""

    def __init__(self, service: ServiceSpec) -> None:
        self.service = service
        self._numbers = count(1000)

    def healthy(self) -> int:
        return sum(standing(each, self.service, NOW) is Standing.HEALTHY for each in self.service.tasks)

    def active(self) -> int:
        return sum(not each.is_leaving for each in self.service.tasks)

    def step(self) -> str:
        """One round; answers the plan's text."""
        self._pass_time()
        plan = decide(self.service, NOW)
        for step in plan.steps:
            match step:
                case StartTasks(deployment_id=deployment, zones=zones, instance_arn=arn):
                    pending = (task(next(self._numbers), deployment, "pending", zone) for zone in zones)
                    started = tuple(replace(each, instance_arn=arn) for each in pending)
                    self.service = replace(self.service, tasks=(*self.service.tasks, *started))
                case StopTasks(task_ids=ids):
                    self._change_tasks(
                        replace(each, is_leaving=True) if each.task_id in ids else each for each in self.service.tasks
                    )
                case CompleteDeployment():
                    done = (
                        replace(each, rollout_state="COMPLETED") if each.status == "PRIMARY" else each
                        for each in self.service.deployments
                    )
                    self.service = replace(self.service, deployments=tuple(done), process=None)
                case RetireDeployment(deployment_id=deployment):
                    left = tuple(each for each in self.service.deployments if each.id != deployment)
                    self.service = replace(self.service, deployments=left)
                case SetSteady(is_steady=is_steady):
                    self.service = replace(self.service, is_steady=is_steady)
        return str(plan)

    def _pass_time(self) -> None:
        staying = (each for each in self.service.tasks if not each.is_leaving)
        self._change_tasks(replace(each, is_running=True, started_at=LONG_AGO) for each in staying)

    def _change_tasks(self, tasks: Iterable[ServiceTask]) -> None:
        self.service = replace(self.service, tasks=tuple(tasks))


def stopped(service: ServiceSpec) -> set[str]:
    return {task_id for step in decide(service, NOW).steps if isinstance(step, StopTasks) for task_id in step.task_ids}


@PATIENT
@given(services())
def test_a_plan_never_leaves_fewer_healthy_tasks_than_the_minimum(service: ServiceSpec) -> None:
    healthy = {each.task_id for each in service.tasks if standing(each, service, NOW) is Standing.HEALTHY}
    fewest = fewest_healthy(service.desired_count, service.minimum_percent)
    assert len(healthy - stopped(service)) >= min(fewest, len(healthy))


@PATIENT
@given(services())
def test_a_plan_never_starts_more_tasks_than_the_maximum(service: ServiceSpec) -> None:
    active = sum(not each.is_leaving for each in service.tasks)
    started = sum(len(step.zones) for step in decide(service, NOW).steps if isinstance(step, StartTasks))
    most = most_active(service.desired_count, service.maximum_percent)
    assert not started or active + started <= most


@PATIENT
@given(services())
def test_protected_tasks_are_never_stopped(service: ServiceSpec) -> None:
    protected = {each.task_id for each in service.tasks if each.is_protected}
    assert not protected & stopped(service)


@settings(PATIENT, max_examples=40)
@given(services())
def test_protected_tasks_run_on_until_the_service_is_where_it_should_be(service: ServiceSpec) -> None:
    protected = {each.task_id for each in service.tasks if each.is_protected and not each.is_leaving}
    world, before = World(service), "nothing yet"
    for _ in range(MAX_ROUNDS):
        text = world.step()
        assert protected <= {each.task_id for each in world.service.tasks if not each.is_leaving}
        if text in ("", before):
            # What protection keeps is told of again and again.
            return
        before = text
    raise AssertionError("it never comes to rest")


INSTANCES = ("arn:one", "arn:two", "arn:three")


@PATIENT
@given(st.sets(st.sampled_from(INSTANCES)), st.sets(st.sampled_from(INSTANCES)), st.sampled_from(STATES))
def test_a_daemon_has_one_task_on_each_of_its_instances(active: set[str], taken: set[str], state: str) -> None:
    tasks = tuple(
        replace(task(number, "2", state), instance_arn=arn, is_on_draining_instance=arn not in active)
        for number, arn in enumerate(sorted(taken))
    )
    service = ServiceSpec(
        arn="arn:service",
        name="web",
        version=1,
        is_daemon=True,
        desired_count=len(active),
        minimum_percent=0,
        maximum_percent=100,
        deployments=(DeploymentState(id="2", status="PRIMARY", desired_count=len(active), created_at=NOW),),
        tasks=tasks,
        instances=tuple(sorted(active)),
    )
    world = World(service)
    for _ in range(MAX_ROUNDS):
        if not world.step():
            break
    assert sorted(each.instance_arn for each in world.service.tasks if not each.is_leaving) == sorted(active)


@PATIENT
@given(services())
def test_the_same_service_has_the_same_plan_in_any_order(service: ServiceSpec) -> None:
    turned = replace(service, tasks=tuple(reversed(service.tasks)))
    assert str(decide(service, NOW)) == str(decide(service, NOW)) == str(decide(turned, NOW))


@settings(PATIENT, max_examples=60)
@given(services())
def test_a_service_gets_where_it_should_be_and_stays_there(service: ServiceSpec) -> None:
    free = replace(service, tasks=tuple(replace(each, is_protected=False) for each in service.tasks))
    if most_active(free.desired_count, free.maximum_percent) <= free.desired_count and free.minimum_percent:
        # Percentages that allow neither a start nor a stop leave everything as it is, which is told.
        free = replace(free, minimum_percent=0)
    world = World(free)
    for _ in range(MAX_ROUNDS):
        if not world.step():
            break
    else:
        raise AssertionError("it never comes to rest")
    assert world.active() == world.healthy() == free.desired_count
    assert {each.deployment_id for each in world.service.tasks} <= {"2"}
    assert [each.rollout_state for each in world.service.deployments] == ["COMPLETED"]
    assert world.service.is_steady
    assert world.step() == ""


@settings(PATIENT, max_examples=40)
@given(services())
def test_a_rollout_passes_between_the_bounds_all_the_way(service: ServiceSpec) -> None:
    """From a steady service: every round keeps to both percentages."""
    desired = service.desired_count
    tasks = tuple(task(number, "1", "healthy", ZONES[number % 3]) for number in range(desired))
    deployments = (
        DeploymentState(id="2", status="PRIMARY", desired_count=desired, created_at=NOW, zones=ZONES),
        DeploymentState(id="1", status="ACTIVE", desired_count=desired, created_at=LONG_AGO),
    )
    world = World(replace(service, tasks=tasks, deployments=deployments, rebalances_zones=False))
    fewest = fewest_healthy(desired, service.minimum_percent)
    most = max(most_active(desired, service.maximum_percent), desired)
    before = "nothing yet"
    for _ in range(MAX_ROUNDS):
        text = world.step()
        assert world.healthy() >= fewest
        assert world.active() <= most
        if text in ("", before):
            # Percentages that allow nothing are told of again and again.
            return
        before = text
    raise AssertionError("it never comes to rest")
