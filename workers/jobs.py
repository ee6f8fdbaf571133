"""Celery's entry points, a few lines each."""

from contextlib import suppress

from celery import shared_task
from django.db import connections

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.containers import RuntimeUnreachable
from aws_api.core.housekeeping import run_chores
from aws_api.core.reconcile import all_controllers, kick
from workers import garbage, hints, leases, loop
from workers.runtimes import process_runtime

#: Keys of one kind that one sweep kicks; the next sweep takes the next ones.
MAX_KEYS = 1000
#: A look-again is a kick that may be late, not one that may be kept for ever.
_LATE_S = 60


@shared_task(name="workers.reconcile")
def reconcile(kind: str, key: str) -> None:
    """Bring one resource as far as it goes, and come back if it asks for that."""
    try:
        look_again_s = loop.reconcile(kind, key, process_runtime())
        # One look-again at a time: each kick would start a chain of its own otherwise.
        if look_again_s is not None and hints.once(f"look:{kind}:{key}:{look_again_s:g}", look_again_s):
            reconcile.apply_async(args=(kind, key), countdown=look_again_s, expires=look_again_s + _LATE_S)
    finally:
        connections.close_all()


@shared_task(name="workers.sweep")
def sweep() -> None:
    """Kick what is not as it should be and nobody is busy with: lost kicks, workers that died."""
    try:
        controllers = {controller.kind: controller for controller in all_controllers()}
        for kind, controller in controllers.items():
            unsettled = [key for _, key in zip(range(MAX_KEYS), controller.unsettled(SYSTEM_CLOCK.now()), strict=False)]
            busy = leases.held(kind, unsettled)
            for key in unsettled:
                if key not in busy:
                    kick(kind, key)
        for kind, key in leases.lapsed():
            if kind in controllers:
                kick(kind, key)
    finally:
        connections.close_all()


@shared_task(name="workers.collect_garbage")
def collect_garbage() -> None:
    """Remove what no resource wants any more, and do the services' chores."""
    try:
        # An engine that is away is no matter: next time; the reconciles say so.
        with suppress(RuntimeUnreachable):
            garbage.collect(process_runtime(), SYSTEM_CLOCK.now())
        run_chores(SYSTEM_CLOCK.now())
    finally:
        connections.close_all()
