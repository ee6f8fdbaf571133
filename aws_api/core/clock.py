"""Time, as services see it: handed to them, so that tests and people can move it."""

import time
from collections.abc import Callable
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


@dataclass(frozen=True, kw_only=True)
class ClockSetting:
    """A clock that was moved: at ``real_s`` it said ``shown_s`` (both since 1970); it runs ``speed`` times as fast.

    Speed 0 is a clock that stands still.
    """

    real_s: float
    shown_s: float
    speed: float = 1

    def at(self, real_s: float) -> float:
        """What the clock says at a moment of real time."""
        return self.shown_s + (real_s - self.real_s) * self.speed


class MovableClock:
    """The time that people may move: of resources, deployments and whatever has no part of the real world.

    Signatures, credentials and containers go by the system's clock. As long as nobody moves it, it is that one.
    """

    def __init__(self) -> None:
        self._setting: ClockSetting | None = None
        self._follow: Callable[[], None] | None = None

    def now(self) -> datetime:
        setting = self.setting
        return datetime.now(UTC) if setting is None else datetime.fromtimestamp(setting.at(time.time()), UTC)

    def epoch_ms(self) -> int:
        setting = self.setting
        return time.time_ns() // 1_000_000 if setting is None else int(setting.at(time.time()) * 1000)

    def real_seconds(self, seconds: float) -> float | None:
        """How long that many of its seconds take; None where it stands still."""
        setting = self.setting
        if setting is None:
            return seconds
        return seconds / setting.speed if setting.speed else None

    @property
    def setting(self) -> ClockSetting | None:
        """How it was moved; None: not at all."""
        if self._follow is not None:
            follow, self._follow = self._follow, None
            follow()
        return self._setting

    def set(self, setting: ClockSetting | None) -> None:
        """Move it in this process."""
        self._setting = setting

    def follow_with(self, follow: Callable[[], None]) -> None:
        """Call a function before the clock is first read: it learns how other processes moved it."""
        self._follow = follow


SYSTEM_CLOCK = SystemClock()
SHARED_CLOCK = MovableClock()
