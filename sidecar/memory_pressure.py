"""Takes the memory that a process's control group has left, until the kernel kills the process: ``... <pid>``.

Runs among the host's processes, with the host's control groups mounted below _HOST. The group's limit comes down to
about what is used now first, so that a large one costs the machine nothing; the engine sets it anew when the container
is started again. What is taken are files in memory: they count for the group, and not for whoever the kernel chooses by
size. Ends with 0 when the process has been killed. Control groups of both versions.
"""

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

_HOST = Path("/host/cgroup")
_FILES = Path("/dev/shm")
_FILE_BYTES = 4 << 20
_BLOCK_BYTES = 64 << 10
#: The limit that a group is left: what is used and a little; not so little that who takes it weighs more than the rest.
_LEFT_BYTES, _LEAST_BYTES = 4 << 20, 32 << 20
#: As many as the engine leaves room for (workers/docker/memory.py).
_MAX_FILES = 24
_GIVES_UP_AFTER_S = 20
_LOOK_EVERY_S = 0.01


def main() -> int:
    process = int(sys.argv[1])
    group, (usage, limits, swap) = _group_of(process)
    # The kernel chooses this one, however little it has.
    Path(f"/proc/{process}/oom_score_adj").write_text("1000")
    lowered = max(int((group / usage).read_text()) + _LEFT_BYTES, _LEAST_BYTES)
    for limit in limits:
        _lower(group / limit, lowered)
    if swap:
        _lower(group / swap, 0)
    taken: list[Path] = []
    ends = time.monotonic() + _GIVES_UP_AFTER_S
    while _lives(process) and time.monotonic() < ends:
        if len(taken) < _MAX_FILES:
            taken.append(_FILES / f"taken-{len(taken)}")
            _take(taken[-1], group, process)
        else:
            time.sleep(_LOOK_EVERY_S)
    for file in taken:
        file.unlink(missing_ok=True)
    if _lives(process):
        print(f"the process {process} is still there after {_GIVES_UP_AFTER_S} s")
        return 1
    return 0


def _take(file: Path, group: Path, process: int) -> None:
    """Fill a file with memory of the group, by a program that is small and in the group; until the process has gone."""
    enter = 'echo $$ >"$0/cgroup.procs" && exec dd if=/dev/zero of="$1" bs="$2" count="$3"'
    arguments = [str(group), str(file), str(_BLOCK_BYTES), str(_FILE_BYTES // _BLOCK_BYTES)]
    taker = subprocess.Popen(["sh", "-c", enter, *arguments], stderr=subprocess.DEVNULL)
    ends = time.monotonic() + _GIVES_UP_AFTER_S
    while taker.poll() is None and _lives(process) and time.monotonic() < ends:
        time.sleep(_LOOK_EVERY_S)
    taker.kill()
    taker.wait()


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
