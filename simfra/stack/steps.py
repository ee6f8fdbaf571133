"""What people see while something takes its time: the step at work, then each finished step with its seconds."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Steps:
    """Prints steps. On a terminal the one at work moves; elsewhere long ones are announced.

    It draws only when told something, and never from a thread of its own: the supervisor forks.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._progress: Progress | None = None

    @contextmanager
    def step(self, title: str, note: str = "") -> Iterator["Step"]:
        """One step; ``note`` says beforehand why and how long it may take. Its result may add a word."""
        step = Step(self)
        started = time.monotonic()
        if note:
            self.console.print(f"[bold]{title}[/bold]: {note}")
        if self.console.is_terminal:
            columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
            self._progress = Progress(*columns, console=self.console, auto_refresh=False, transient=True)
            self._progress.add_task(title)
            self._progress.start()
        try:
            yield step
        finally:
            if self._progress is not None:
                self._progress.stop()
                self._progress = None
        mark = "[yellow]![/yellow]" if step.is_warning else "[green]✓[/green]"
        took = f"  [dim]{time.monotonic() - started:.1f} s[/dim]"
        self.console.print(f"{mark} {title}{took}" + (f"  {step.result}" if step.result else ""))

    def say(self, text: str) -> None:
        """Print a line, above the step at work."""
        self.console.print(text)

    def show(self, detail: str) -> None:
        """What the step at work is doing now; shown on terminals only."""
        if self._progress is not None:
            task = self._progress.tasks[0]
            title = task.description.split("  ")[0]
            self._progress.update(task.id, description=f"{title}  [dim]{detail[:90]}[/dim]" if detail else title)
            self._progress.refresh()


class Step:
    """The step at work: what it does now, and what it says when it is done."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self.result = ""
        self.is_warning = False

    def show(self, detail: str = "") -> None:
        """What it is doing now."""
        self._steps.show(detail.replace("[", "\\["))

    def warn(self, result: str) -> None:
        """It ended, but not as it should have."""
        self.result, self.is_warning = result, True
