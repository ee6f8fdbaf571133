"""The port through which services hand over what they measured of their own resources, to whoever keeps metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """A value of a metric at a moment, as if it had been measured once."""

    account_id: str
    region: str
    namespace: str
    name: str
    dimensions: Mapping[str, str]
    unit: str
    at: datetime
    value: float


class MetricRecorder(Protocol):
    """Keeps measurements."""

    def __call__(self, measurements: Sequence[Measurement]) -> None:
        """Keep them; those of one metric and minute are aggregated."""


_recorder: MetricRecorder | None = None


def register_metric_recorder(recorder: MetricRecorder) -> None:
    """Set who keeps metrics; called by a service's ``ports`` module."""
    global _recorder  # noqa: PLW0603 - a process has one
    assert _recorder is None, "one service keeps metrics"
    _recorder = recorder


def record_metrics(measurements: Sequence[Measurement]) -> None:
    """Hand over measurements; where nobody keeps metrics they are lost."""
    if _recorder is not None and measurements:
        _recorder(measurements)
