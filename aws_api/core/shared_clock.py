"""The one setting of the movable clock that all processes go by: kept in Valkey, told on the bus."""

import time
from contextlib import suppress
from dataclasses import asdict

import orjson

from aws_api.core import bus
from aws_api.core.clock import SHARED_CLOCK, ClockSetting

TOPIC = "clock"
#: A day in 14 minutes: more would only outrun the workers.
MAX_SPEED = 100.0
MAX_ADVANCE_S = 366 * 86400.0


def move(*, advance_s: float = 0, speed: float | None = None) -> ClockSetting:
    """Let every process's clock jump ahead, and from then on run at a speed (None: as it did; 0: stand still)."""
    before, real_s = SHARED_CLOCK.setting, time.time()
    shown_s = before.at(real_s) if before else real_s
    running = before.speed if before else 1.0
    setting = ClockSetting(real_s=real_s, shown_s=shown_s + advance_s, speed=running if speed is None else speed)
    _share(setting)
    return setting


def reset() -> None:
    """Let every process's clock be the system's again."""
    _share(None)


def follow() -> None:
    """Go by what was set, and by what will be. Without Valkey the clock stays as it is."""
    bus.listen_in_background(TOPIC, _hear)
    _hear(bus.kept(TOPIC))


def _share(setting: ClockSetting | None) -> None:
    text = orjson.dumps(asdict(setting)) if setting else b""
    bus.keep(TOPIC, text)
    SHARED_CLOCK.set(setting)
    bus.publish(TOPIC, text)


def _hear(text: bytes) -> None:
    setting = None
    if text:
        with suppress(orjson.JSONDecodeError, TypeError):
            setting = ClockSetting(**orjson.loads(text))
    SHARED_CLOCK.set(setting)


SHARED_CLOCK.follow_with(follow)
