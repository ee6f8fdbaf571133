"""The clock that people move: ``/_simfra/clock``."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from aws_api.core import bus
from aws_api.core.clock import SHARED_CLOCK, ClockSetting
from aws_api.core.shared_clock import TOPIC, follow


@pytest.fixture(autouse=True)
def restored(database: None) -> Iterator[None]:
    yield
    Client().delete("/_simfra/clock")


def post(**asked: Any) -> Any:
    return Client().post("/_simfra/clock", asked, content_type="application/json")


def shown() -> datetime:
    return datetime.fromisoformat(Client().get("/_simfra/clock").json()["now"])


def test_the_clock_is_the_systems_until_somebody_moves_it() -> None:
    answer = Client().get("/_simfra/clock").json()
    assert (answer["moved"], answer["speed"]) == (False, 1)
    assert abs(shown() - datetime.now(UTC)) < timedelta(seconds=5)


def test_time_jumps_ahead_stands_still_and_runs() -> None:
    assert post(freeze=True).json()["speed"] == 0
    before = shown()
    assert shown() == before
    assert post(advance_s=600).json()["moved"] is True
    assert shown() == before + timedelta(seconds=600)
    assert post(speed=60).json()["speed"] == 60
    assert shown() > before + timedelta(seconds=600)
    assert post(reset=True).json()["moved"] is False


def test_what_operations_write_has_the_moved_time(aws: Any) -> None:
    post(advance_s=86_400)
    made = aws("ecs").create_cluster(clusterName="later")["cluster"]
    assert made["status"] == "ACTIVE", "its signature goes by the machine's own time"
    arn = aws("ecs").register_task_definition(
        family="later", containerDefinitions=[{"name": "app", "image": "busybox", "memory": 8}]
    )["taskDefinition"]["registeredAt"]
    assert arn > datetime.now(UTC) + timedelta(hours=23)


def test_a_process_that_comes_later_goes_by_what_was_set() -> None:
    post(freeze=True, advance_s=60)
    kept = SHARED_CLOCK.setting
    SHARED_CLOCK.set(None)
    follow()
    assert SHARED_CLOCK.setting == kept
    assert bus.kept(TOPIC)


@pytest.mark.parametrize(
    "asked", [{}, {"back": 1}, {"advance_s": -1}, {"speed": 1000}, {"freeze": "yes"}, {"freeze": True, "speed": 2}]
)
def test_what_makes_no_sense_is_refused(asked: dict[str, Any]) -> None:
    answer = post(**asked)
    assert answer.status_code == 400
    assert set(answer.json()) == {"error"}


def test_seconds_of_a_clock_that_runs_fast_are_short() -> None:
    SHARED_CLOCK.set(ClockSetting(real_s=time.time(), shown_s=time.time(), speed=10))
    assert SHARED_CLOCK.real_seconds(60) == 6
    SHARED_CLOCK.set(ClockSetting(real_s=time.time(), shown_s=time.time(), speed=0))
    assert SHARED_CLOCK.real_seconds(60) is None
