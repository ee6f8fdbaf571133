"""The port of everything that is kept true in the background: load, decide, record; and the kick that wakes it.

A kick is a hint: losing it costs seconds (the sweep finds what is unsettled), never correctness.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeVar, runtime_checkable

from celery import current_app
from django.db import transaction

from aws_api.core.containers import Observation, OwnStep, Plan, Scope, StepFailure

Desired = TypeVar("Desired")


@dataclass(frozen=True, kw_only=True)
class Round:
    """What one turn of the loop saw and did. ``observed`` is from after the plan was executed."""

    at: datetime
    plan: Plan
    observed: Observation
    failure: StepFailure | None = None


class Controller(Protocol[Desired]):
    """Keeps one kind of resource true. ``decide`` is pure; ``record`` is the only writer of ``last_*`` columns."""

    kind: str

    def load(self, key: str) -> Desired | None:
        """Everything that decide needs to know of the resource, frozen; None where it is gone."""

    def scope(self, desired: Desired) -> Scope:
        """What to observe for it."""

    def decide(self, desired: Desired, observed: Observation, now: datetime) -> Plan:
        """The steps from what is to what should be. Pure, total, deterministic."""

    def record(self, desired: Desired, outcome: Round) -> None:
        """Write down what is: ``last_*`` by compare-and-swap, Transition rows, StateChanges on commit."""

    def unsettled(self, now: datetime) -> Iterable[str]:
        """Keys of rows whose last is not their desired, for the sweep."""


@runtime_checkable
class StepTaker(Protocol):
    """What a controller is besides, where its plans have steps that are not the engine's."""

    def take(self, desired: Any, step: OwnStep) -> bool:
        """Take one step; False where what it was decided on is no longer so, and the rest of the plan is left.

        Raises RuntimeFailure where it did not work.
        """


@runtime_checkable
class RunsContainers(Protocol):
    """What a controller is besides, whose rows rest while containers run: no event tells of those that went unseen."""

    def running(self) -> Iterable[str]:
        """Keys of rows by which containers run, for whoever begins to watch the engine."""


@runtime_checkable
class Collector(Protocol):
    """What a controller is besides, where its rows are not kept for ever."""

    def collect(self, now: datetime) -> None:
        """Delete rows that nobody looks at any more; at most so many that it takes a moment."""


_controllers: dict[str, Controller[object]] = {}


def register_controller(controller: Controller[Desired]) -> None:
    """Add a kind; called by the service folder's controller module."""
    assert controller.kind not in _controllers, f"{controller.kind} is registered twice"
    _controllers[controller.kind] = controller  # type: ignore[assignment]


def get_controller(kind: str) -> Controller[object]:
    """The controller of a kind. Raises KeyError where no service has it."""
    return _controllers[kind]


def all_controllers() -> list[Controller[object]]:
    """Every controller, by kind."""
    return [_controllers[kind] for kind in sorted(_controllers)]


def _send_kick(kind: str, key: str) -> None:
    current_app.send_task("workers.reconcile", args=[kind, key], expires=60)


_kicker: Callable[[str, str], None] = _send_kick


def set_kicker(kicker: Callable[[str, str], None] | None) -> None:
    """Send kicks somewhere else than to Celery; None restores it."""
    global _kicker  # noqa: PLW0603 - the process's one way out
    _kicker = kicker or _send_kick


def kick(kind: str, key: str) -> None:
    """Wake the reconcile of a resource once the current transaction is committed (at once outside of one)."""
    transaction.on_commit(partial(_kicker, kind, key), robust=True)


#: Keys of one kind that are woken at once.
MAX_WOKEN = 1000


def wake_all(now: datetime) -> None:
    """Kick what is not settled, because something that all of it may wait for has changed: the time."""
    for controller in all_controllers():
        for _, key in zip(range(MAX_WOKEN), controller.unsettled(now), strict=False):
            kick(controller.kind, key)
