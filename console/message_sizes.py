"""How much of logs goes into one websocket message: the server ends a connection that is sent more than a mebibyte.

Nothing is lost by that but a line's end: portions follow each other, and of a page's first look the latest fit in.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

#: A character is at most six bytes of HTML, and what stands around a line about 300: below a mebibyte altogether.
MAX_CHARACTERS = 120_000
MAX_LINES = 500
MAX_LINE_CHARACTERS = 20_000


def shortened(line: str) -> str:
    """The line, or what a page shows of one that is very long."""
    over = len(line) - MAX_LINE_CHARACTERS
    return line if over <= 0 else f"{line[:MAX_LINE_CHARACTERS]} … ({over} more characters)"


def portions(lines: Iterable[T], size: Callable[[T], int]) -> Iterator[list[T]]:
    """The lines in order, as many at once as a message takes; ``size`` is a line's characters."""
    portion: list[T] = []
    room = MAX_CHARACTERS
    for line in lines:
        room -= size(line)
        if portion and (room < 0 or len(portion) == MAX_LINES):
            yield portion
            portion, room = [], MAX_CHARACTERS - size(line)
        portion.append(line)
    if portion:
        yield portion


def latest(lines: Sequence[T], size: Callable[[T], int]) -> list[T]:
    """As many of the last lines as one message takes, in order."""
    return next(portions(reversed(lines), size), [])[::-1]
