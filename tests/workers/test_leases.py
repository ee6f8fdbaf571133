"""Leases: one holder at a time, and no kick is lost."""

from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from tests.workers.conftest import leave_lease
from workers.leases import Held, claim, held, lapsed

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
