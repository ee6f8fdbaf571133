"""How many programs the model-based tests try, and how long each is."""

import os

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

#: SIMFRA_TEST_PROGRAMS=500 tries more than a run of all tests has time for.
PROGRAMS = int(os.environ.get("SIMFRA_TEST_PROGRAMS", "30"))
STEPS = 20


def run_programs(machine: type[RuleBasedStateMachine]) -> None:
    """Try programs of a machine's rules until one of them fails or all have passed."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=PROGRAMS,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
