"""Executes a plan step by step, one call of the runtime each. Decides nothing."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import zip_longest

from django.db import connections

from aws_api.core.containers import (
    AwaitResource,
    ConfigureContainer,
    ContainerRuntime,
    CreateContainer,
    CreateNetwork,
    CreateVolume,
    ExhaustMemory,
    KillContainer,
    Observation,
    OwnStep,
    Plan,
    PullImage,
    RemoveContainer,
    RemoveNetwork,
    RemoveVolume,
    RuntimeFailure,
    RuntimeUnreachable,
    StartContainer,
    Step,
    StepFailure,
    StopContainer,
)
from aws_api.core.reconcile import kick
from workers import hints, log_drain, pulls
from workers.runtimes import NullRuntime

#: The engine's own time for a stop beyond its timeout, before it may be asked for again.
_STOP_GRACE_S = 2

#: As many as there are jobs at once.
_creators = ThreadPoolExecutor(16, thread_name_prefix="creator")


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How far a plan came. ``is_waiting``: a step needs what will kick when it is there; the rest was left."""

    failure: StepFailure | None = None
    is_waiting: bool = False


def execute(
    plan: Plan,
    observed: Observation,
    waiter: tuple[str, str],
    runtime: ContainerRuntime,
    take_own: Callable[[OwnStep], bool] | None = None,
) -> Execution:
    """Take the steps in order, until one fails or has to wait. ``waiter`` is the resource's (kind, key).

    ``take_own`` takes the steps that are the controller's own.

    Raises RuntimeUnreachable where the engine does not answer.
    """
    ahead: Future[bool] | None = None
    for step, following in zip_longest(plan.steps, plan.steps[1:]):
        under_way, ahead = ahead, None
        if _takes_a_while(step) and isinstance(following, CreateContainer):
            # What is created next needs no more than that this one exists: the wait for READY is not lost.
            ahead = _creators.submit(_create_apart, following, runtime)
        try:
            if isinstance(step, OwnStep):
                assert take_own is not None, "a controller that plans steps of its own takes them"
                is_done = take_own(step)
            else:
                is_done = _take(step, observed, waiter, runtime) if under_way is None else under_way.result()
        except RuntimeUnreachable:
            raise
        except RuntimeFailure as failure:
            return Execution(failure=StepFailure(step=step, reason=str(failure)))
        if not is_done:
            return Execution(is_waiting=True)
    return Execution()


def _takes_a_while(step: Step) -> bool:
    return isinstance(step, StartContainer) and step.ready_within_s is not None


def _create_apart(step: CreateContainer, runtime: ContainerRuntime) -> bool:
    try:
        _create(step, runtime)
    finally:
        connections.close_all()
    return True


def _create(step: CreateContainer, runtime: ContainerRuntime) -> None:
    runtime.create_container(replace(step.spec, image=pulls.name_on_engine(step.spec.image)))


def _take(step: Step, observed: Observation, waiter: tuple[str, str], runtime: ContainerRuntime) -> bool:
    """Take one step; False where it has to wait."""
    match step:
        case PullImage():
            return pulls.bring(step, observed.images.get(step.image), waiter, runtime)
        case AwaitResource():
            if isinstance(runtime, NullRuntime):
                # What is awaited cannot be made either, and would keep who waits for ever.
                raise RuntimeFailure(runtime.reason)
            kick(step.kind, step.key)
            return False
        case CreateNetwork():
            runtime.create_network(step.spec)
        case RemoveNetwork():
            runtime.remove_network(step.name)
        case CreateVolume():
            runtime.create_volume(step.spec)
        case RemoveVolume():
            runtime.remove_volume(step.name)
        case CreateContainer():
            _create(step, runtime)
        case StartContainer():
            hints.forget(f"stop:{step.name}")
            runtime.start_container(step.name, step.ready_within_s)
        case StopContainer():
            # Asked twice, the engine would send SIGTERM twice, which some programs take for impatience.
            if step.timeout_s == 0 or hints.once(f"stop:{step.name}", step.timeout_s + _STOP_GRACE_S):
                runtime.stop_container(step.name, step.timeout_s)
        case KillContainer():
            runtime.kill_container(step.name)
        case ExhaustMemory():
            runtime.exhaust_memory(step.name)
        case RemoveContainer():
            log_drain.wait(observed.container(step.name))
            runtime.remove_container(step.name)
            hints.forget(f"stop:{step.name}")
        case ConfigureContainer():
            runtime.configure_container(step.name, step.configuration)
        case _:
            raise AssertionError(f"no such step: {step!r}")
    return True
