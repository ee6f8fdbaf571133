"""Changes on their way to sidecars: at once, in order, and never in anybody's way."""

import threading
from collections.abc import Mapping
from typing import Any

import orjson
from django.test import override_settings

from aws_api.core.containers import RuntimeFailure
from aws_api.core.telling import tell
from tests.support.fake_runtime import FakeRuntime
from tests.support.waiting import wait_for
from workers import telling
from workers.telling import Teller


class SlowRuntime(FakeRuntime):
    """An engine whose sidecars take a configuration when they are let; ``broken`` ones never do."""

    def __init__(self) -> None:
        super().__init__()
        self.let = threading.Event()
        self.told: list[tuple[str, Any]] = []

    def configure_container(self, name: str, configuration: Mapping[str, Any]) -> None:
        self.let.wait(10)
        if name == "broken":
            raise RuntimeFailure("it is not running")
        self.told.append((name, configuration["changes"]))


def message(container: str, *changes: int) -> bytes:
    return orjson.dumps({"container": container, "changes": list(changes)})


def test_what_comes_while_one_is_told_goes_along_in_order() -> None:
    runtime = SlowRuntime()
    teller = Teller(runtime)
    for change in range(5):
        teller.hear(message("gateway", change))
    runtime.let.set()
    wait_for(lambda: sum(len(changes) for _, changes in runtime.told) == 5, what="all changes")
    assert [change for _, changes in runtime.told for change in changes] == [0, 1, 2, 3, 4]
    assert len(runtime.told) <= 2


def test_a_sidecar_that_refuses_keeps_nobody_from_being_told() -> None:
    runtime = SlowRuntime()
    runtime.let.set()
    teller = Teller(runtime)
    teller.hear(message("broken", 1))
    teller.hear(message("broken", 2))
    teller.hear(message("gateway", 3))
    wait_for(lambda: runtime.told, what="the other sidecar")
    assert runtime.told == [("gateway", [3])]


def test_a_worker_that_is_ready_hears_what_is_published(database: None, monkeypatch: Any) -> None:
    runtime = SlowRuntime()
    runtime.let.set()
    monkeypatch.setattr(telling, "process_runtime", lambda: runtime)
    with override_settings(SIMFRA_DOCKER=True):
        telling.start()

    def heard() -> bool:
        tell("gateway", [{"zone": "local"}])
        return bool(runtime.told)

    wait_for(heard, what="the change")
    assert runtime.told[0] == ("gateway", [{"zone": "local"}])
