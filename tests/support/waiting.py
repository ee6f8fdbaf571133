"""Waiting for a condition, with a limit: what tests do instead of sleeping."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(condition: Callable[[], T], *, timeout_s: float = 10, every_s: float = 0.02, what: str = "") -> T:
    """The condition's first true value. Raises AssertionError with ``what`` after the limit."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s} s for {what or condition}")
        time.sleep(every_s)
