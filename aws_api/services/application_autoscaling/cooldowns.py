"""How long a scaling is waited out before the next. Pure.

https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True)
class LastScaling:
    """The scaling that a cooldown is counted from: when, from which capacity, which way, and how long it cools down."""

    at: datetime
    from_capacity: int
    was_out: bool
    cooldown_s: int


def cooled_capacity(current: int, wanted_from: Callable[[int], int], last: LastScaling | None, now: datetime) -> int:
    """The capacity that may be set now; ``wanted_from(capacity)`` is what is wanted where that is what there is.

    During a scale-out's cooldown what it added counts towards what is wanted: only more than that is added. During a
    scale-in's cooldown nothing is taken away, and what is added is added at once.
    """
    wanted = wanted_from(current)
    if last is None or now >= last.at + timedelta(seconds=last.cooldown_s):
        return wanted
    if wanted < current:
        return current
    if last.was_out:
        return max(current, wanted_from(min(last.from_capacity, current)))
    return wanted
