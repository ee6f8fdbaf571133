"""Takes the memory that a process's control group has left, until the kernel kills the process: ``... <pid>``.

Runs among the host's processes, with the host's control groups mounted below _HOST. The group's limit comes down to
what is used now first, so that a large one costs the machine nothing; the engine sets it anew when the container is
started again. Ends with 0 when the process has been killed. Control groups of both versions.
"""

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

_HOST = Path("/host/cgroup")
_CHUNK_BYTES = 1 << 20
#: What the limit leaves, and what is taken at most.
_LEFT_BYTES = 4 << 20
_MAX_CHUNKS = 512
_GIVES_UP_AFTER_S = 20
_LOOK_EVERY_S = 0.01


def main() -> int:
    process = int(sys.argv[1])
    group, names = _group_of(process)
    # The kernel chooses this one, however much less it has than we will.
    Path(f"/proc/{process}/oom_score_adj").write_text("1000")
    usage, limits, swap = names
    lowered = int((group / usage).read_text()) + _LEFT_BYTES
    for limit in limits:
        _lower(group / limit, lowered)
    if swap:
        _lower(group / swap, 0)
    (group / "cgroup.procs").write_text(str(os.getpid()))
    taken: list[bytes] = []
    ends = time.monotonic() + _GIVES_UP_AFTER_S
    while _lives(process) and time.monotonic() < ends:
        if len(taken) < _MAX_CHUNKS:
            taken.append(b"\1" * _CHUNK_BYTES)
        else:
            time.sleep(_LOOK_EVERY_S)
    if _lives(process):
        print(f"the process {process} is still there after {_GIVES_UP_AFTER_S} s")
        return 1
    return 0


def _group_of(process: int) -> tuple[Path, tuple[str, tuple[str, ...], str]]:
    """The process's control group for memory; the names of its usage, of its limits in order, and of swap's."""
    for line in Path(f"/proc/{process}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            limits = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
            return _HOST / "memory" / path.lstrip("/"), ("memory.usage_in_bytes", limits, "")
    path = Path(f"/proc/{process}/cgroup").read_text().strip().rpartition(":")[2]
    return _HOST / path.lstrip("/"), ("memory.current", ("memory.max",), "memory.swap.max")


def _lower(limit: Path, value: int) -> None:
    # A kernel without swap accounting has no such file; one that cannot free enough keeps what it had.
    with suppress(OSError):
        text = limit.read_text().strip()
        if text == "max" or int(text) > value:
            limit.write_text(str(value))


def _lives(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


if __name__ == "__main__":
    sys.exit(main())
