"""Figures that services have of their resources, for whoever decides or draws by them: scaling, alarms, the console.

A service registers a source per CloudWatch namespace; a figure is what CloudWatch calls a statistic set of a minute.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class MetricMinute:
    """What was measured in a minute: the sum of so many samples, the smallest and the largest."""

    minute: datetime
    sum: float
    count: float
    minimum: float
    maximum: float


@dataclass(frozen=True, kw_only=True)
class MetricQuery:
    """A metric of an account and region, in minutes from ``start`` on and before ``end``."""

    account_id: str
    region: str
    name: str
    dimensions: Mapping[str, str]
    start: datetime
    end: datetime


class MetricSource(Protocol):
    """Has metrics of a namespace."""

    def read(self, query: MetricQuery) -> Iterable[MetricMinute]:
        """The minutes in which something was measured, oldest first; none for a metric that it does not have."""


_sources: dict[str, MetricSource] = {}


def register_metric_source(namespace: str, source: MetricSource) -> None:
    """Add the source of a namespace (``AWS/ApplicationELB``); called by a service's ``ports`` module."""
    assert namespace not in _sources, f"{namespace} has a source already"
    _sources[namespace] = source


def read_metric(namespace: str, query: MetricQuery) -> list[MetricMinute]:
    """The minutes of a metric; none where no service has the namespace."""
    source = _sources.get(namespace)
    return list(source.read(query)) if source is not None else []


def metric_namespaces() -> list[str]:
    """The namespaces that have a source."""
    return sorted(_sources)
