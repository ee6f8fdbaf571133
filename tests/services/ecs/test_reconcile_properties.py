"""What holds for every task in every world: plans converge, order is kept, the stopped stay stopped."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from aws_api.core.containers import (
    AwaitResource,
    ContainerState,
    CreateContainer,
    Observation,
    ObservedContainer,
    ObservedImage,
    PullImage,
    RemoveContainer,
    StartContainer,
    Step,
    StepFailure,
    StopContainer,
)
from aws_api.services.ecs.lifecycle import STATUS_ORDER, Phase, TaskStatus, assess, holds, phase
from aws_api.services.ecs.reconcile import decide
from aws_api.services.ecs.specification import TaskSpec
from tests.services.ecs.tasks import ASKED, NOW, awsvpc_task, part, task, waiting_task

NAMES = ("one", "two", "three")
#: More rounds than any task of three containers needs.
MAX_ROUNDS = 30


@dataclass
class World:
    """An engine that does at once what it is told, the rows beside it, and a watch over every start."""

    task: TaskSpec
    containers: dict[str, ObservedContainer] = field(default_factory=dict)
    images: set[str] = field(default_factory=set)
    failing: frozenset[str] = frozenset()
    statuses: list[TaskStatus] = field(default_factory=list)
    started: list[str] = field(default_factory=list)

    def observe(self) -> Observation:
        return Observation(
            containers=tuple(self.containers[name] for name in sorted(self.containers)),
            images={image: ObservedImage(id=image) for image in self.images},
        )

    def round(self) -> bool:
        """One turn of the loop; whether anything was planned or written."""
        plan = decide(self.task, self.observe(), NOW)
        before, failure = self.task, None
        for step in plan.steps:
            if getattr(step, "name", "") in self.failing and isinstance(step, StartContainer):
                failure = StepFailure(step=step, reason="CannotStartContainerError: no such file")
                break
            if self._waits(step):
                break
            self._take(step)
        self._record(failure)
        return bool(plan) or self.task != before

    def settle(self) -> None:
        for _ in range(MAX_ROUNDS):
            if not self.round():
                return
        raise AssertionError(f"no end of rounds: {decide(self.task, self.observe(), NOW)}")

    def _waits(self, step: Step) -> bool:
        if not isinstance(step, AwaitResource):
            return False
        self.task = replace(self.task, awaits=None, pause=awsvpc_task().pause)
        return True

    def _take(self, step: Step) -> None:
        match step:
            case PullImage(image=image):
                self.images.add(image)
            case CreateContainer(spec=spec):
                self._put(spec.name, ContainerState.CREATED)
            case StartContainer(name=name):
                self._check_start(name)
                self.started.append(name)
                self._put(name, ContainerState.RUNNING, started_at=NOW)
            case StopContainer(name=name):
                self._put(name, ContainerState.EXITED, exit_code=143, finished_at=NOW)
            case RemoveContainer(name=name):
                del self.containers[name]

    def _check_start(self, name: str) -> None:
        assert self.task.last_stop is None and self.task.desired_stop is None, f"{name} starts in a task that stops"
        assert self.task.last_status != TaskStatus.STOPPED
        parts = {part.name: part for part in self.task.containers}
        for starting in self.task.containers:
            if starting.spec.name != name:
                continue
            for dependency in starting.dependencies:
                assert holds(dependency, parts[dependency.container], self.observe()), f"{name} before {dependency}"
            if self.task.shares_namespaces:
                assert self.containers["ecs-pause"].state is ContainerState.RUNNING

    def _put(self, name: str, state: ContainerState, **members: object) -> None:
        self.containers[name] = ObservedContainer(
            id=name,
            name=name,
            image="app:1",
            state=state,
            labels={},
            **members,  # type: ignore[arg-type]
        )

    def _record(self, failure: StepFailure | None) -> None:
        if self.task.last_status == TaskStatus.STOPPED:
            return
        written = assess(self.task, self.observe(), failure, NOW)
        self.statuses.append(written.status)
        self.task = replace(
            self.task,
            last_status=written.status,
            last_stop=written.stop,
            pause_started=written.pause_started,
            containers=tuple(replace(one, record=written.records[one.name]) for one in self.task.containers),
        )


@st.composite
def tasks(draw: st.DrawFn) -> TaskSpec:
    parts = []
    for index, name in enumerate(NAMES):
        needs = draw(st.lists(st.sampled_from(NAMES[:index]), unique=True)) if index else []
        conditions = st.sampled_from(["START", "COMPLETE", "SUCCESS", "HEALTHY"])
        parts.append(
            part(
                name,
                *(f"{other}:{draw(conditions)}" for other in needs),
                essential=index == 2 or draw(st.booleans()),
                asks_registry=draw(st.booleans()),
                image=f"{draw(st.sampled_from(['app', 'side']))}:1",
            )
        )
    make = draw(st.sampled_from([task, awsvpc_task, waiting_task]))
    return (
        make(*parts, last_status="PROVISIONING")
        if make is not waiting_task
        else replace(waiting_task(), containers=tuple(parts))
    )


containers = st.builds(
    lambda name, state, code: ObservedContainer(
        id=name,
        name=name,
        image="app:1",
        state=state,
        labels={},
        exit_code=code if state is ContainerState.EXITED else None,
        started_at=None if state is ContainerState.CREATED else NOW,
    ),
    st.sampled_from([*(f"ecs-{name}" for name in NAMES), "ecs-pause", "ecs-stray"]),
    st.sampled_from([ContainerState.CREATED, ContainerState.RUNNING, ContainerState.EXITED, ContainerState.DEAD]),
    st.sampled_from([0, 1]),
)
worlds = st.lists(containers, unique_by=lambda container: container.name)
events = st.lists(
    st.tuples(st.sampled_from(["exit", "fail", "healthy", "unhealthy", "remove", "stop"]), st.sampled_from(NAMES))
)


def world_of(desired: TaskSpec, found: Iterable[ObservedContainer], failing: Iterable[str] = ()) -> World:
    return World(
        task=desired,
        containers={container.name: container for container in found},
        failing=frozenset(f"ecs-{name}" for name in failing),
    )


@given(tasks(), worlds, st.sets(st.sampled_from(NAMES)))
def test_plans_converge_from_any_world(desired: TaskSpec, found: list[ObservedContainer], failing: set[str]) -> None:
    world = world_of(desired, found, failing)
    world.settle()
    if world.task.last_status == TaskStatus.STOPPED:
        assert not world.containers and world.task.last_stop
    else:
        assert world.task.last_status in (TaskStatus.RUNNING, TaskStatus.PENDING)
        assert world.task.last_stop is None


@given(tasks(), worlds, st.sampled_from(list(TaskStatus)))
def test_a_task_that_is_to_stop_starts_nothing_and_leaves_nothing(
    desired: TaskSpec, found: list[ObservedContainer], status: TaskStatus
) -> None:
    world = world_of(replace(desired, desired_stop=ASKED, last_status=status), found)
    world.settle()
    assert world.started == []
    assert world.containers == {}
    assert world.task.last_status == TaskStatus.STOPPED


@given(tasks(), events, st.sets(st.sampled_from(NAMES), max_size=1))
def test_whatever_happens_order_is_kept_and_statuses_go_forward(
    desired: TaskSpec, happenings: list[tuple[str, str]], failing: set[str]
) -> None:
    world = world_of(desired, (), failing)
    world.settle()
    for what, name in happenings:
        happen(world, what, f"ecs-{name}")
        world.settle()
    places = [STATUS_ORDER.index(status) for status in world.statuses]
    assert places == sorted(places)
    assert len(world.started) == len(set(world.started)), "a container is started once"


@given(tasks(), worlds, st.integers(min_value=0, max_value=3600))
def test_deciding_is_total_and_deterministic(desired: TaskSpec, found: list[ObservedContainer], later_s: int) -> None:
    now = NOW + timedelta(seconds=later_s)
    one, other = world_of(desired, found).observe(), world_of(desired, reversed(found)).observe()
    assert str(decide(desired, one, now)) == str(decide(desired, other, now))


@given(tasks(), worlds)
def test_a_settled_round_is_repeated_without_effect(desired: TaskSpec, found: list[ObservedContainer]) -> None:
    world = world_of(desired, found)
    world.settle()
    settled = (world.task, dict(world.containers))
    assert not world.round()
    assert (world.task, world.containers) == settled
    waiting = {one.name for one in world.task.containers if phase(one, world.observe()) is Phase.ABSENT}
    assert not waiting or world.task.last_status in (TaskStatus.PENDING, TaskStatus.STOPPED)


def happen(world: World, what: str, name: str) -> None:
    """Something that Docker, a program or a user does."""
    if what == "stop":
        if world.task.last_status != TaskStatus.STOPPED:
            world.task = replace(world.task, desired_stop=ASKED)
        return
    container = world.containers.get(name)
    if container is None or container.state is not ContainerState.RUNNING:
        return
    if what == "remove":
        del world.containers[name]
    elif what in ("healthy", "unhealthy"):
        world.containers[name] = replace(container, health=what)
    else:
        code = 1 if what == "fail" else 0
        world.containers[name] = replace(container, state=ContainerState.EXITED, exit_code=code, finished_at=NOW)
