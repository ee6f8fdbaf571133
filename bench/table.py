"""The figures of a run: by call, connections and server, each as often as it was measured."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from bench.load import Endpoint, Measurement, hammer
from bench.usage import cpu_s


@dataclass
class Table:
    """Measurements with the ratio of the first endpoint to each other: the median of what the rounds say."""

    endpoints: Sequence[str]
    rows: dict[tuple[str, int], dict[str, list[Measurement]]] = field(default_factory=dict)

    def measure(
        self, endpoint: Endpoint, call: str, requests: Sequence[bytes], *, concurrency: int, seconds: float
    ) -> None:
        """Repeat signed requests for some seconds and note what was found."""
        before = cpu_s(endpoint.processes)
        found = hammer(endpoint, requests, concurrency=concurrency, seconds=seconds)
        self.add(call, concurrency, endpoint.name, replace(found, cpu_s=cpu_s(endpoint.processes) - before))

    def add(self, call: str, concurrency: int, endpoint: str, found: Measurement) -> None:
        """Note a measurement and say it."""
        self.rows.setdefault((call, concurrency), {}).setdefault(endpoint, []).append(found)
        failed = f", {found.failures} of {found.requests} failed" if found.failures else ""
        print(f"{endpoint}: {call} c{concurrency} {found.per_second:.0f}/s{failed}", file=sys.stderr, flush=True)

    def ratio(self, call: str, concurrency: int, other: str) -> float | None:
        """How many times faster the first endpoint is; None where one of both was not measured."""
        row = self.rows[call, concurrency]
        pairs = zip(row.get(self.endpoints[0], ()), row.get(other, ()), strict=False)
        ratios = [ours.per_second / theirs.per_second for ours, theirs in pairs if theirs.per_second]
        return median(ratios) if ratios else None

    def markdown(self) -> str:
        """The table as Markdown: requests per second, the ratios, and of the first endpoint what a request costs."""
        first, *others = self.endpoints
        heads = ["call", "c", *self.endpoints, *(f"{first} / {other}" for other in others)]
        heads += ["p50 ms", "p99 ms", *(f"CPU us {name}" for name in self.endpoints)]
        lines = ["| " + " | ".join(heads) + " |", "|---|" + "--:|" * (len(heads) - 1)]
        for (call, concurrency), row in self.rows.items():
            ratios = [self.ratio(call, concurrency, other) for other in others]
            ours = row.get(first, [])
            cells = [call, str(concurrency)]
            cells += [_median([found.per_second for found in row.get(name, [])], ".0f") for name in self.endpoints]
            cells += ["-" if ratio is None else f"{ratio:.2f}" for ratio in ratios]
            cells.append(_median([found.median_ms for found in ours], ".2f"))
            cells.append(_median([found.slow_ms for found in ours], ".2f"))
            cells += [_median([_cpu_us(found) for found in row.get(name, [])], ".0f") for name in self.endpoints]
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines)

    def json(self) -> str:
        """The requests per second, for machines."""
        rows = (
            {"call": call, "c": c} | {name: median(one.per_second for one in found) for name, found in row.items()}
            for (call, c), row in self.rows.items()
        )
        return json.dumps(list(rows), indent=1)


def _cpu_us(found: Measurement) -> float | None:
    return None if found.cpu_s is None else found.cpu_s / max(1, found.requests) * 1e6


def _median(values: Sequence[float | None], form: str) -> str:
    known = [value for value in values if value is not None]
    return format(median(known), form) if known else "-"
