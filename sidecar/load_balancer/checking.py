"""Checking the targets of a group for as long as they are registered."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sidecar.load_balancer.configuration import Check, Target
from sidecar.load_balancer.health import Health, State, judged
from sidecar.load_balancer.probes import probe
from sidecar.load_balancer.servers import FULL_WEIGHT


@dataclass
class Checked:
    """A target with its health; ``weight`` grows while it starts slowly."""

    target: Target
    health: Health
    weight: int = FULL_WEIGHT
    checking: asyncio.Task[None] | None = None

    def stop(self) -> None:
        if self.checking is not None:
            self.checking.cancel()


class CheckedGroup:
    """The targets of a group, checked from the moment they are there. ``changed`` is called when one's standing is
    another; it hands over what the group's servers should be now."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._checked: dict[str, Checked] = {}
        self._check: Check | None = None
        self._slow_start_s = 0

    def put(self, check: Check, slow_start_s: int, targets: Sequence[Target]) -> None:
        """Check these targets in this way from now on. What is known of a target stays known."""
        has_other_check = check != self._check
        self._check, self._slow_start_s = check, slow_start_s
        wanted = {target.name: target for target in targets}
        for name in [name for name in self._checked if name not in wanted]:
            self._checked.pop(name).stop()
        for name, target in wanted.items():
            known = self._checked.get(name)
            if known is not None and known.target.registered == target.registered:
                known.target = target
                known.health.healthy_after, known.health.unhealthy_after = check.healthy, check.unhealthy
            else:
                if known is not None:
                    known.stop()
                known = Checked(
                    target=target, health=Health(healthy_after=check.healthy, unhealthy_after=check.unhealthy)
                )
                self._checked[name] = known
            self._start_or_stop(known, has_other_check)

    def stop(self) -> None:
        """Check nothing any more."""
        for checked in self._checked.values():
            checked.stop()
        self._checked.clear()

    def shares(self) -> Mapping[str, int]:
        """The weight of every target; 0 for one that gets nothing.

        Unhealthy targets get something only where no target is healthy, and then all of them do.
        """
        standing = [checked for checked in self._checked.values() if not checked.target.is_draining]
        wanted = State.HEALTHY
        if not any(checked.health.state is State.HEALTHY for checked in standing):
            wanted = State.UNHEALTHY
        return {
            name: checked.weight if not checked.target.is_draining and checked.health.state is wanted else 0
            for name, checked in self._checked.items()
        }

    def targets(self) -> Mapping[str, Checked]:
        """Every target by its name."""
        return self._checked

    def _start_or_stop(self, checked: Checked, has_other_check: bool) -> None:
        if checked.target.is_draining:
            checked.stop()
            checked.checking = None
            return
        if has_other_check:
            checked.stop()
            checked.checking = None
        if checked.checking is None:
            checked.checking = asyncio.create_task(self._watch(checked), name=f"check {checked.target.name}")

    async def _watch(self, checked: Checked) -> None:
        assert self._check is not None
        check = self._check
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            outcome = await probe(check, checked.target.address, checked.target.port)
            was = checked.health.state
            if checked.health.note(judged(outcome, fails=checked.target.fails_checks)):
                if checked.health.state is State.HEALTHY and was is not State.HEALTHY:
                    self._begin(checked)
                self._changed()
            await asyncio.sleep(max(0.1, check.interval_s - (clock() - began)))

    def _begin(self, checked: Checked) -> None:
        """A target that was not healthy gets its share, little by little where the group starts slowly and others
        are there to carry the rest."""
        others = any(
            other is not checked and other.health.state is State.HEALTHY and not other.target.is_draining
            for other in self._checked.values()
        )
        if not self._slow_start_s or not others:
            checked.weight = FULL_WEIGHT
            return
        checked.weight = 1
        for second in range(1, self._slow_start_s + 1):
            weight = max(1, FULL_WEIGHT * second // self._slow_start_s)
            asyncio.get_running_loop().call_later(second, self._weigh, checked, weight)

    def _weigh(self, checked: Checked, weight: int) -> None:
        if checked.health.state is State.HEALTHY and checked.weight != weight:
            checked.weight = weight
            self._changed()
