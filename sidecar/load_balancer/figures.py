"""What the load balancer carried since the last time somebody asked, out of HAProxy's counters.

Names are CloudWatch's; times are in seconds.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
"""

from collections.abc import Iterable, Mapping

#: HAProxy's columns of a frontend and of a backend, by CloudWatch's names.
_OF_FRONTENDS = {
    "RequestCount": ("req_tot",),
    "NewConnectionCount": ("conn_tot",),
    "ProcessedBytes": ("bin", "bout"),
    "RejectedConnectionCount": ("dcon",),
    "_answers_4xx": ("hrsp_4xx",),
    "_answers_5xx": ("hrsp_5xx",),
}
_OF_BACKENDS = {
    "RequestCount": ("req_tot",),
    "NewFlowCount": ("stot",),
    "ProcessedBytes": ("bin", "bout"),
    "TargetConnectionErrorCount": ("econ",),
    "HTTPCode_Target_2XX_Count": ("hrsp_2xx",),
    "HTTPCode_Target_3XX_Count": ("hrsp_3xx",),
    "HTTPCode_Target_4XX_Count": ("hrsp_4xx",),
    "HTTPCode_Target_5XX_Count": ("hrsp_5xx",),
}

Counters = dict[str, dict[str, float]]


class Figures:
    """Counters as of the last reading. Keys are target groups', and ``""`` for the load balancer itself."""

    def __init__(self) -> None:
        self._last: Counters = {}

    def forget(self) -> None:
        """HAProxy was reloaded: its counters begin anew."""
        self._last = {}

    def read(self, rows: Iterable[Mapping[str, str]]) -> Counters:
        """What was added since the last reading, without what is zero."""
        now = _counters(rows)
        found: Counters = {}
        for key, figures in now.items():
            last = self._last.get(key, {})
            added = {name: max(0.0, value - last.get(name, 0.0)) for name, value in figures.items()}
            found[key] = added
        self._last = now
        return {key: kept for key, added in found.items() if (kept := _named(added))}


def connections(rows: Iterable[Mapping[str, str]]) -> dict[tuple[str, str], int]:
    """The connections that servers have now, by backend and server."""
    return {
        (row["pxname"], row["svname"]): int(row["scur"] or 0)
        for row in rows
        if row["svname"] not in ("FRONTEND", "BACKEND")
    }


def _counters(rows: Iterable[Mapping[str, str]]) -> Counters:
    found: Counters = {"": {}}
    for row in rows:
        if row["svname"] == "FRONTEND" and row["pxname"].startswith("listener-"):
            _add(found[""], row, _OF_FRONTENDS)
        elif row["svname"] == "BACKEND":
            _add(found.setdefault(row["pxname"], {}), row, _OF_BACKENDS)
            for name, columns in _OF_BACKENDS.items():
                if name.startswith(("HTTPCode", "Target")):
                    _add(found[""], row, {name: columns})
            # Of the last 1024 requests; its weight is how many there were.
            seconds = float(row.get("ttime") or 0) / 1000 * float(row.get("req_tot") or 0)
            for key in ("", row["pxname"]):
                found[key]["TargetResponseTime"] = found[key].get("TargetResponseTime", 0.0) + seconds
    return found


def _add(figures: dict[str, float], row: Mapping[str, str], columns: Mapping[str, tuple[str, ...]]) -> None:
    for name, parts in columns.items():
        figures[name] = figures.get(name, 0.0) + sum(float(row.get(part) or 0) for part in parts)


def _named(added: Mapping[str, float]) -> dict[str, float]:
    """What clients were answered by the load balancer itself is what targets did not answer."""
    found = {name: value for name, value in added.items() if value and not name.startswith("_")}
    for digit in ("4", "5"):
        if f"_answers_{digit}xx" in added:
            own = added[f"_answers_{digit}xx"] - added.get(f"HTTPCode_Target_{digit}XX_Count", 0.0)
            if own > 0:
                found[f"HTTPCode_ELB_{digit}XX_Count"] = own
    return found
