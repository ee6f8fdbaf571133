"""Plots as pages give them to console/static/console/plots.js, which says what each member is drawn as.

Write one with ``{% include "console/partials/plot.html" %}``; a live consumer adds to it by swapping
``console/partials/plot_series.html`` into ``#<plot.id>``, or points into ``#<plot.id>-<line.key>``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from django.utils.text import slugify

#: Seconds since 1970 and the value then; None breaks the line.
Point = tuple[float, float | None]


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a plot with its points, oldest first."""

    name: str
    points: Sequence[Point] = ()

    @property
    def key(self) -> str:
        """The line's part of its element's id."""
        return slugify(self.name)

    @property
    def points_json(self) -> str:
        return orjson.dumps(list(self.points)).decode()


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A plot. ``unit`` is percent, bytes, seconds, milliseconds, or a word that is written after numbers."""

    id: str
    title: str
    unit: str
    lines: Sequence[Line] = ()
    #: line, steps or bars.
    shape: str = "line"
    #: How many seconds are shown; without it, all.
    span_s: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    threshold: float | None = None
    #: What is said while there are no points.
    waits: str = "No figures yet."


def points_of(measured: Iterable[tuple[datetime, float | None]]) -> list[Point]:
    """Points from moments."""
    return [(at.timestamp(), value) for at, value in measured]
