"""What a target's checks make of it. Pure.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
"""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """ELB's states of a target that is registered."""

    INITIAL = "initial"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a check went; reason and description are ELB's, and empty for one that passed."""

    passed: bool
    reason: str = ""
    description: str = ""


PASSED = Outcome(passed=True)
_FAILED = Outcome(passed=False, reason="Target.FailedHealthChecks", description="Health checks failed")
_CHECKING = Outcome(passed=False, reason="Elb.InitialHealthChecking", description="Initial health checks in progress")


def judged(outcome: Outcome, *, fails: bool) -> Outcome:
    """What a check counts as: failed, where that is wanted of a target that answers well."""
    return _FAILED if fails and outcome.passed else outcome


@dataclass
class Health:
    """A target's health: one passed check makes a new target healthy, later ones change it only in a row."""

    healthy_after: int
    unhealthy_after: int
    state: State = State.INITIAL
    why: Outcome = _CHECKING
    _passed: int = 0
    _failed: int = 0

    def note(self, outcome: Outcome) -> bool:
        """Take a check into account. Answers whether anything is different now."""
        before = (self.state, self.why)
        if outcome.passed:
            self._passed, self._failed = self._passed + 1, 0
            if self.state is State.INITIAL or self._passed >= self.healthy_after:
                self.state, self.why = State.HEALTHY, PASSED
        else:
            self._passed, self._failed = 0, self._failed + 1
            if self.state is State.UNHEALTHY or self._failed >= self.unhealthy_after:
                self.state, self.why = State.UNHEALTHY, outcome
        return before != (self.state, self.why)
