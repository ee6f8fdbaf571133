"""Leases: one worker a resource. A kick that comes while it is held is remembered and honoured on release.

Held leases are renewed by a thread, so that a step may take as long as it needs; those of a process that died lapse.
"""

import logging
import threading
from datetime import timedelta

from django.db import Error, connection, connections
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

from aws_api.core.ids import new_uuid
from workers.models import Lease

LEASE_S = 15
RENEW_EVERY_S = 4

_log = logging.getLogger(__name__)

_CLAIM = """
    INSERT INTO workers_lease (kind, key, owner, until, kicked_again)
    VALUES (%s, %s, %s, now() + make_interval(secs => %s), false)
    ON CONFLICT (kind, key) DO UPDATE SET
        owner = CASE WHEN workers_lease.until < now() THEN excluded.owner ELSE workers_lease.owner END,
        kicked_again = workers_lease.until >= now(),
        until = CASE WHEN workers_lease.until < now() THEN excluded.until ELSE workers_lease.until END
    RETURNING owner
"""


class Held:
    """A claimed lease, renewed until it is released."""

    def __init__(self, kind: str, key: str, owner: str) -> None:
        self.kind = kind
        self.key = key
        self.owner = owner

    def release(self) -> bool:
        """Let go, unless a kick came meanwhile: then keep the lease, forget the kick, and answer False."""
        mine = Lease.objects.filter(kind=self.kind, key=self.key, owner=self.owner)
        if mine.filter(kicked_again=False).delete()[0]:
            _renewer.drop(self.owner)
            return True
        if mine.update(kicked_again=False, until=_lapse()):
            return False
        # It lapsed and is somebody else's: this worker was away for too long.
        _renewer.drop(self.owner)
        return True

    def abandon(self) -> bool:
        """Let go whatever came meanwhile; answers whether a kick did."""
        _renewer.drop(self.owner)
        mine = Lease.objects.filter(kind=self.kind, key=self.key, owner=self.owner)
        was_kicked = mine.filter(kicked_again=True).exists()
        mine.delete()
        return was_kicked


def claim(kind: str, key: str) -> Held | None:
    """Take the lease, or leave a kick with who holds it and answer None. One statement."""
    owner = new_uuid()
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [kind, key, owner, LEASE_S])
        (holder,) = cursor.fetchone()
    if holder != owner:
        return None
    _renewer.add(owner)
    return Held(kind, key, owner)


def lapsed() -> list[tuple[str, str]]:
    """Resources whose worker died in the middle: (kind, key)."""
    return list(Lease.objects.filter(until__lt=Now()).values_list("kind", "key")[:1000])


def held(kind: str, keys: list[str]) -> set[str]:
    """Those of the keys that a worker is busy with."""
    return set(Lease.objects.filter(kind=kind, key__in=keys, until__gte=Now()).values_list("key", flat=True))


def _lapse() -> CombinedExpression:
    return Now() + timedelta(seconds=LEASE_S)


class _Renewer:
    """Renews what the process holds, from one thread that lives while there is something to renew."""

    def __init__(self) -> None:
        self._owners: set[str] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, owner: str) -> None:
        with self._changed:
            self._owners.add(owner)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="lease renewal", daemon=True)
                self._thread.start()

    def drop(self, owner: str) -> None:
        with self._changed:
            self._owners.discard(owner)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait(RENEW_EVERY_S)
                owners = list(self._owners)
                if not owners:
                    self._thread = None
                    return
            try:
                Lease.objects.filter(owner__in=owners).update(until=_lapse())
            except Error as error:
                _log.warning("leases were not renewed: %s", error)
            finally:
                connections.close_all()


_renewer = _Renewer()
