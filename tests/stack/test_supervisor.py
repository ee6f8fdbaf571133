"""What the supervisor does about processes that die and logs that grow; the processes and the clock are scripted."""

from pathlib import Path

from simfra.stack.supervisor import LOG_LIMIT_BYTES, Supervisor


class Scripted:
    """A process that ends when told to."""

    def __init__(self, log_path: Path) -> None:
        self.name = "gateway"
        self.log_path = log_path
        self.starts = 0
        self.status: int | None = None

    def start(self) -> None:
        self.starts += 1
        self.status = None

    def poll(self) -> int | None:
        return self.status

    def is_ready(self) -> bool:
        return self.status is None


class World:
    """A supervisor that watches one scripted process at a time of our choosing."""

    def __init__(self, directory: Path) -> None:
        self.now = 1000.0
        self.said: list[str] = []
        self.process = Scripted(directory / "gateway.log")
        self.supervisor = Supervisor(self.said.append, clock=lambda: self.now)
        self.supervisor.add(self.process)

    def ends(self, status: int) -> None:
        self.process.status = status
        self.supervisor.look()

    def after(self, seconds: float) -> int:
        """How often the process was started, this much later."""
        self.now += seconds
        self.supervisor.look()
        return self.process.starts


def test_a_process_that_ends_is_started_again_after_a_pause_and_this_is_said(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.ends(3)
    assert "The gateway ended with status 3" in world.said[0]
    assert "restarting it in 0.5 s" in world.said[0]
    assert world.after(0.4) == 0
    assert world.after(0.1) == 1
    assert world.after(60) == 1


def test_the_pauses_grow_to_half_a_minute_while_it_keeps_failing(tmp_path: Path) -> None:
    world = World(tmp_path)
    for pause in ("0.5", "1", "2", "4", "8", "16", "30", "30"):
        world.ends(-9)
        assert f"ended by signal 9[/red]; restarting it in {pause} s" in world.said[-1]
        world.after(float(pause))
    assert world.supervisor.failures("gateway") == 8


def test_after_a_steady_run_the_pauses_begin_anew(tmp_path: Path) -> None:
    world = World(tmp_path)
    for _ in range(4):
        world.ends(1)
        world.after(10)
    world.after(31)
    world.ends(1)
    assert "restarting it in 0.5 s" in world.said[-1]


def test_errors_in_a_log_are_shown_once_and_ordinary_lines_are_not(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.process.log_path.write_text("10:00:00 INFO    simfra fine\n10:00:01 ERROR   simfra no disk [left]\n")
    world.supervisor.look()
    world.supervisor.look()
    [said] = world.said
    assert "no disk" in said
    assert "fine" not in said


def test_a_log_that_grows_too_long_is_begun_anew_and_its_last_part_kept(tmp_path: Path) -> None:
    world = World(tmp_path)
    with world.process.log_path.open("ab") as held_open_by_the_process:
        held_open_by_the_process.write(b"x" * LOG_LIMIT_BYTES + b"\n")
        held_open_by_the_process.flush()
        world.supervisor.look()
        assert world.process.log_path.stat().st_size == 0
        assert (tmp_path / "gateway.log.1").stat().st_size == LOG_LIMIT_BYTES + 1
        held_open_by_the_process.write(b"10:00:00 ERROR   simfra later\n")
        held_open_by_the_process.flush()
        world.supervisor.look()
    assert "later" in world.said[-1]
