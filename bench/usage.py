"""What processes and their children use, from /proc."""

import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(processes: Iterable[int]) -> float:
    """The processor time of the processes and all of their children so far, in seconds."""
    return sum(_ticks(process) for process in _with_children(processes)) / _TICKS_PER_S


def memory_mb(processes: Iterable[int]) -> float:
    """The memory of the processes and all of their children; what they share counts once (PSS)."""
    return sum(_pss_kb(process) for process in _with_children(processes)) / 1024


def _with_children(processes: Iterable[int]) -> set[int]:
    children: dict[int, list[int]] = defaultdict(list)
    for directory in Path("/proc").glob("[0-9]*"):
        if fields := _stat(int(directory.name)):
            children[int(fields[1])].append(int(directory.name))
    found: set[int] = set()
    waiting = list(processes)
    while waiting:
        process = waiting.pop()
        if process not in found:
            found.add(process)
            waiting += children[process]
    return found


def _ticks(process: int) -> int:
    # User and system time, also of children that ended: a database's backends come and go.
    return sum(int(field) for field in _stat(process)[11:15])


def _stat(process: int) -> list[str]:
    """The fields after the name, which may have spaces in it; none where the process has ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return []


def _pss_kb(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
