"""The port through which deployments ask for the state of alarms; the service that keeps them provides it."""

from collections.abc import Mapping, Sequence
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
