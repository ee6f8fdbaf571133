"""The loop: claim, load, observe, decide, execute, record. The one place that changes the world.

Level, not edge: a round asks what is and what should be, whatever woke it. Restarts, lost kicks and kicks that come
twice are ordinary rounds.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from aws_api.core.changes import StateChange, subscribe
from aws_api.core.clock import SYSTEM_CLOCK, Clock
from aws_api.core.containers import ContainerRuntime, Plan, RuntimeUnreachable, StepFailure
from aws_api.core.models import PlanRecord
from aws_api.core.reconcile import Controller, Round, StepTaker, get_controller, kick
from workers import hints
from workers.executor import execute
from workers.leases import claim

#: A resource that is not settled after so many rounds waits for the sweep.
MAX_ROUNDS = 20
#: The same surprise is told in full once in this time.
_SURPRISE_S = 60

_log = logging.getLogger(__name__)
_in_round = threading.local()


@dataclass(frozen=True, kw_only=True)
class _Turn:
    """How a round went: the plan as text, whether another should follow at once, and when to look again anyway."""

    plan: str = ""
    goes_on: bool = False
    look_again_s: float | None = None


def reconcile(kind: str, key: str, runtime: ContainerRuntime, clock: Clock = SYSTEM_CLOCK) -> float | None:
    """Bring a resource as far as it goes now. Answers in how many seconds to look again, None: when kicked.

    Where another worker is at it, that one is told to look again. Whatever goes wrong is recorded or logged; the sweep
    comes back to what is not settled.
    """
    lease = claim(kind, key)
    if lease is None:
        return None
    is_released = False
    try:
        turn = _Turn()
        for _ in range(MAX_ROUNDS):
            turn = _round(get_controller(kind), key, runtime, clock, turn.plan)
            if turn.goes_on:
                continue
            is_released = lease.release()
            if is_released:
                return turn.look_again_s
            turn = _Turn()
        _log.warning("%s %s: not settled after %d rounds", kind, key, MAX_ROUNDS)
    except RuntimeUnreachable as failure:
        if hints.once("unreachable", _SURPRISE_S):
            _log.warning("%s %s: %s", kind, key, failure)
    except Exception as surprise:  # noqa: BLE001 - one resource's surprise must not stop the others; the sweep retries
        _tell(kind, key, surprise)
    finally:
        if not is_released and lease.abandon():
            kick(kind, key)
    return None


def _round(
    controller: Controller[object], key: str, runtime: ContainerRuntime, clock: Clock, plan_before: str
) -> _Turn:
    desired = controller.load(key)
    if desired is None:
        return _Turn()
    scope = controller.scope(desired)
    observed = runtime.observe(scope)
    plan = controller.decide(desired, observed, clock.now())
    take_own = partial(controller.take, desired) if isinstance(controller, StepTaker) else None
    execution = execute(plan, observed, (controller.kind, key), runtime, take_own)
    if plan:
        observed = runtime.observe(scope)
        _write_down(controller.kind, key, plan, execution.failure, clock)
    with _moves(controller.kind, key) as moves:
        controller.record(desired, Round(at=clock.now(), plan=plan, observed=observed, failure=execution.failure))
    text = str(plan)
    # The same plan again means that it waits for the world, not for us.
    is_news = (bool(plan) and text != plan_before) or bool(moves) or plan.look_again_s == 0
    return _Turn(plan=text, goes_on=is_news and not execution.is_waiting, look_again_s=plan.look_again_s)


@contextmanager
def _moves(kind: str, key: str) -> Iterator[list[StateChange]]:
    """The changes of the resource's status that are published in this thread meanwhile."""
    _in_round.resource, _in_round.changes = (kind, key), []
    try:
        yield _in_round.changes
    finally:
        del _in_round.resource


@subscribe
def _notice(change: StateChange) -> None:
    if getattr(_in_round, "resource", None) == (change.kind, change.key):
        _in_round.changes.append(change)


def _write_down(kind: str, key: str, plan: Plan, failure: StepFailure | None, clock: Clock) -> None:
    """Keep the plan for people, unless it is the last one over again."""
    text, reason = str(plan), failure.reason if failure else ""
    last = PlanRecord.objects.filter(kind=kind, key=key).order_by("-at", "-pk").values_list("text", "failure").first()
    if last != (text, reason):
        PlanRecord.objects.create(kind=kind, key=key, text=text, failure=reason, at=clock.now())


def _tell(kind: str, key: str, surprise: Exception) -> None:
    if hints.once(f"surprise:{kind}:{key}:{type(surprise).__name__}", _SURPRISE_S):
        _log.error("%s %s: the round broke off", kind, key, exc_info=surprise)
    else:
        _log.warning("%s %s: the round broke off again: %s", kind, key, surprise)
