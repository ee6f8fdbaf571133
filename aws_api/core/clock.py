"""Time, as services see it: handed to them, so that tests and people can move it."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where a service takes the time from."""

    def now(self) -> datetime:
        """The current time, aware, in UTC."""

    def epoch_ms(self) -> int:
        """The current time in milliseconds since 1970."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def epoch_ms(self) -> int:
        return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class FixedClock:
    """A time that stands still: for tests and for decisions that need one instant."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def epoch_ms(self) -> int:
        return int(self.at.timestamp() * 1000)


SYSTEM_CLOCK = SystemClock()
