"""The port through which a program runs in a container, with a terminal that somebody holds; workers implement it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from aws_api.core.containers import RuntimeUnreachable


class Terminal(Protocol):
    """A program's terminal. Its methods raise RuntimeFailure where the engine refuses or is away."""

    @property
    def program(self) -> str:
        """What the engine calls the program, for who ends it without having its terminal."""

    async def read(self) -> bytes:
        """What the program printed next; empty when it has ended."""

    async def write(self, data: bytes) -> None:
        """Type. Returns when the program's terminal has taken it."""

    async def resize(self, rows: int, columns: int) -> None:
        """Tell the program how large the terminal is; one that has ended is told nothing."""

    async def exit_code(self) -> int | None:
        """What the program ended with; None while it runs."""

    async def close(self) -> None:
        """Let go of the terminal, and end the program where it still runs. Closing twice is harmless."""


#: Starts a command in a running container, as its root and with a terminal: (the engine's name, the command).
OpenTerminal = Callable[[str, Sequence[str]], Awaitable[Terminal]]
#: Ends a program whose terminal nobody has any more; one that has ended is left alone. Raises RuntimeFailure.
EndProgram = Callable[[str], None]

_open: OpenTerminal | None = None
_end: EndProgram | None = None


def register_terminals(open_terminal: OpenTerminal | None, end_program: EndProgram | None = None) -> None:
    """Say how terminals are opened and programs ended; called when the workers' app is ready."""
    global _open, _end
    _open, _end = open_terminal, end_program


def end_program(program: str) -> None:
    """End a program whose terminal was lost. Raises RuntimeFailure, RuntimeUnreachable where there is no engine."""
    if _end is None:
        raise RuntimeUnreachable("No container engine offers terminals.")
    _end(program)


async def open_terminal(container: str, command: Sequence[str]) -> Terminal:
    """Start a command in a container. Raises RuntimeFailure, RuntimeUnreachable where there is no engine."""
    if _open is None:
        raise RuntimeUnreachable("No container engine offers terminals.")
    return await _open(container, command)
