"""Telling a running sidecar of a change at once, ahead of the reconciler: a hint, as a kick is.

A worker hands it over within milliseconds. Who publishes also kicks: losing this costs seconds, never correctness.
"""

from collections.abc import Sequence
from typing import Any

import orjson

from aws_api.core import bus

TOPIC = "sidecar.changes"


def tell(container: str, changes: Sequence[Any]) -> None:
    """Have a worker send ``{"changes": [...]}`` to a sidecar's control port. Call it after the commit."""
    bus.publish(TOPIC, orjson.dumps({"container": container, "changes": list(changes)}))
