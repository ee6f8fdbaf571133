"""Leases: one holder at a time, and no kick is lost."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import InterfaceError, connections
from django.db.models.expressions import CombinedExpression

from tests.support.waiting import wait_for
from tests.workers.conftest import leave_lease
from workers import leases
from workers.leases import Held, _Renewer, claim, held, lapsed
from workers.models import Lease

KIND = "test.lease"


def test_one_of_many_who_claim_at_once_gets_it(database: None, key: str) -> None:
    def try_it(_: int) -> Held | None:
        try:
            return claim(KIND, key)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as executor:
        winners = [lease for lease in executor.map(try_it, range(8)) if lease]
    (winner,) = winners
    assert winner.release() is False, "the others' kicks are remembered"
    assert winner.release() is True
    next_one = claim(KIND, key)
    assert next_one is not None
    next_one.abandon()


def test_a_kick_while_it_is_held_is_honoured_on_release(database: None, key: str) -> None:
    first = claim(KIND, key)
    assert first is not None
    assert claim(KIND, key) is None
    assert first.abandon() is True


def test_a_lease_that_lapsed_goes_to_who_claims_it(database: None, key: str) -> None:
    away = claim(KIND, key)
    assert away is not None
    leave_lease(KIND, key, lapses_in_s=-1)
    assert (KIND, key) in lapsed()
    assert held(KIND, [key]) == set()
    heir = claim(KIND, key)
    assert heir is not None
    assert held(KIND, [key]) == {key}
    assert away.release() is True, "who was away for too long has nothing left to let go"
    assert held(KIND, [key]) == {key}
    assert heir.release() is True


def test_leases_are_renewed_after_the_connection_broke(
    database: None, key: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sound, failures = leases._lapse, [InterfaceError("the connection already closed")]

    def lapse() -> CombinedExpression:
        if failures:
            raise failures.pop()
        return sound()

    monkeypatch.setattr(leases, "RENEW_EVERY_S", 0.05)
    monkeypatch.setattr(leases, "_lapse", lapse)
    monkeypatch.setattr(leases, "_renewer", _Renewer())
    lease = claim(KIND, key)
    assert lease is not None
    wait_for(lambda: "already closed" in caplog.text, what="the failure")
    leave_lease(KIND, key, lapses_in_s=-1)
    Lease.objects.filter(kind=KIND, key=key).update(owner=lease.owner)
    wait_for(lambda: held(KIND, [key]) == {key}, what="the renewal")
    lease.abandon()


def test_a_renewal_that_died_is_begun_again_with_the_next_lease(
    database: None, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewer = _Renewer()
    renewer._thread = threading.Thread(target=lambda: None)
    renewer._thread.start()
    renewer._thread.join()
    renewer.add(key)
    assert renewer._thread.is_alive()
    renewer.drop(key)
