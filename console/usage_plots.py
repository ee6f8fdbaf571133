"""The two plots of what containers use: CPU and memory, a line each for what the page watches."""

from collections.abc import Callable, Sequence
from typing import Any

from console.plots import Line, Plot
from console.usage import SPAN_S, Sample, Use


def usage_plots(samples: Sequence[Sample] = ()) -> list[Plot]:
    """The plots with what was measured already."""
    cpu, memory = _lines(samples, lambda use: use.cpu_percent), _lines(samples, lambda use: use.memory_bytes)
    shown: dict[str, Any] = {"span_s": SPAN_S, "waits": "Measuring …"}
    return [
        Plot(id="usage-cpu", title="CPU, of one core", unit="percent", lines=cpu, **shown),
        Plot(id="usage-memory", title="Memory", unit="bytes", lines=memory, **shown),
    ]


def _lines(samples: Sequence[Sample], figure: Callable[[Use], float]) -> list[Line]:
    names = sorted({name for sample in samples for name in sample.uses})
    return [
        Line(name=name, points=[(each.at, figure(each.uses[name]) if name in each.uses else None) for each in samples])
        for name in names
    ]
