"""Chores: what services want done now and then in the background, such as deleting what expired.

A service's ``ports`` module registers them; the workers run all of them about twice a minute. A chore may run in
several processes at once, and again after a crash.
"""

from collections.abc import Callable
from datetime import datetime

#: Told the time. Works for some seconds at most, and leaves the rest to the next run.
Chore = Callable[[datetime], None]

_chores: list[Chore] = []


def register_chore(chore: Chore) -> Chore:
    """Have a function called now and then. Usable as a decorator."""
    _chores.append(chore)
    return chore


def run_chores(now: datetime) -> None:
    """Run every chore, also when one before it fails. Raises an ExceptionGroup of what they raised."""
    failures: list[Exception] = []
    for chore in _chores:
        try:
            chore(now)
        except Exception as error:  # noqa: BLE001 - raised below, once the others had their turn
            failures.append(error)
    if failures:
        raise ExceptionGroup("chores failed", failures)
