"""Which tasks go when there are too many. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-placement-strategies.html
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from aws_api.services.ecs.scheduler.health import Standing
from aws_api.services.ecs.scheduler.specification import ServiceTask

#: Who does no work goes first.
_ORDER = (Standing.PENDING, Standing.UNHEALTHY, Standing.WAITING, Standing.HEALTHY)


def to_stop(
    tasks: Sequence[ServiceTask], count: int, standing_of: Callable[[ServiceTask], Standing]
) -> list[ServiceTask]:
    """At most ``count`` tasks, none protected: the least useful, each from the fullest zone, the newest there."""
    candidates = [task for task in tasks if not task.is_protected]
    crowds = Counter(task.zone for task in tasks)
    chosen: list[ServiceTask] = []
    while candidates and len(chosen) < count:
        best = min(
            candidates,
            key=lambda task: (
                _ORDER.index(standing_of(task)),
                -crowds[task.zone],
                -task.created_at.timestamp(),
                task.task_id,
            ),
        )
        candidates.remove(best)
        crowds[best.zone] -= 1
        chosen.append(best)
    return chosen


def zones_of_next(tasks: Iterable[ServiceTask], zones: Sequence[str], count: int) -> tuple[str, ...]:
    """The zones of the next tasks: each where there are fewest."""
    if not zones:
        return ("",) * count
    crowds = Counter(dict.fromkeys(zones, 0))
    crowds.update(task.zone for task in tasks if task.zone in crowds)
    chosen = []
    for _ in range(count):
        zone = min(zones, key=lambda each: (crowds[each], each))
        crowds[zone] += 1
        chosen.append(zone)
    return tuple(chosen)


def imbalance(tasks: Iterable[ServiceTask], zones: Sequence[str]) -> int:
    """How many more tasks the fullest of the zones has than the emptiest."""
    crowds = Counter(dict.fromkeys(zones, 0))
    crowds.update(task.zone for task in tasks if task.zone in crowds)
    return max(crowds.values(), default=0) - min(crowds.values(), default=0)
