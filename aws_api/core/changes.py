"""StateChange: a committed change of a resource's status, told to whoever subscribed.

Subscribers in the publishing process are called after the commit; every other process hears it on the bus topic
``changes``. Nothing after the commit is needed for correctness: who misses a change finds the truth in the rows.
"""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial

import orjson
from django.db import transaction

from aws_api.core import bus

TOPIC = "changes"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class StateChange:
    """A resource went from one status to another. ``kind`` is the controller's (``ecs.task``), ``key`` its row's."""

    kind: str
    key: str
    account_id: str
    region: str
    before: str
    after: str
    cause: str
    at: datetime

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: bytes) -> "StateChange":
        fields = orjson.loads(text)
        return cls(**{**fields, "at": datetime.fromisoformat(fields["at"])})


Subscriber = Callable[[StateChange], None]
_subscribers: list[Subscriber] = []


def subscribe(subscriber: Subscriber) -> Subscriber:
    """Call a function for every change published in this process, after its commit. Usable as a decorator."""
    _subscribers.append(subscriber)
    return subscriber


def publish(change: StateChange) -> None:
    """Tell of a change once the current transaction is committed."""
    transaction.on_commit(partial(_deliver, change), robust=True)


def _deliver(change: StateChange) -> None:
    for subscriber in _subscribers:
        subscriber(change)
    bus.publish(TOPIC, change.to_json())
