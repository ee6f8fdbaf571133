"""Ports around alarms: deployments ask for their states, and services carry out what alarms are told to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from aws_api.core.context import Context

OK = "OK"
ALARM = "ALARM"
INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class AlarmStates(Protocol):
    """Knows alarms."""

    def __call__(self, context: Context, names: Sequence[str]) -> Mapping[str, str]:
        """The state of each alarm of these names that there is in the context's account and region."""


_states: AlarmStates | None = None


def register_alarm_states(states: AlarmStates | None) -> None:
    """Set who knows alarms; called by a service's ``ports`` module. None: nobody does."""
    global _states  # noqa: PLW0603 - a process has one
    _states = states


def knows_alarms() -> bool:
    """Whether some service keeps alarms; without one none ever fires."""
    return _states is not None


def alarm_states(context: Context, names: Sequence[str]) -> Mapping[str, str]:
    """The state of each alarm that there is; none where nobody keeps alarms."""
    return _states(context, names) if _states is not None else {}


def firing_alarms(context: Context, names: Sequence[str]) -> list[str]:
    """Those of the alarms that are in state ALARM, by name."""
    states = alarm_states(context, names)
    return sorted(name for name in names if states.get(name) == ALARM)


@dataclass(frozen=True, kw_only=True)
class AlarmNotice:
    """What an action is told of its alarm. ``values`` are the datapoints that were judged, oldest first."""

    name: str
    arn: str
    state: str
    threshold: float | None
    values: tuple[float, ...]
    at: datetime


class AlarmAction(Protocol):
    """Does what an action's ARN names."""

    def __call__(self, context: Context, action_arn: str, notice: AlarmNotice) -> None:
        """Do it. Raises AwsError where it cannot be done."""


_actions: dict[str, AlarmAction] = {}


def register_alarm_action(service: str, action: AlarmAction) -> None:
    """Say who carries out actions whose ARNs name ``service``; called by a service's ``ports`` module."""
    assert service not in _actions, f"actions of {service} are carried out already"
    _actions[service] = action


def alarm_action(action_arn: str) -> AlarmAction | None:
    """Who carries out an action; None: nobody, it is only noted."""
    parts = action_arn.split(":", 3)
    return _actions.get(parts[2]) if len(parts) == 4 else None
