"""A container's lines on their way to its log stream: gathered into events, counted where they are dropped. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aws_api.core.containers import LogLine

#: Lines of one event; more begin another.
MAX_EVENT_LINES = 10_000


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """Lines that found no room: how many, and how many of them were at the last one's time."""

    lines: int
    at_ns: int
    lines_at_ns: int

    def and_one(self, at_ns: int) -> "Dropped":
        """With one more behind them."""
        same = self.lines_at_ns + 1 if at_ns == self.at_ns else 1
        return Dropped(lines=self.lines + 1, at_ns=at_ns, lines_at_ns=same)


NOTHING_DROPPED = Dropped(lines=0, at_ns=0, lines_at_ns=0)


class EventGatherer:
    """Puts the lines of one event together: from one that has the pattern to before the next that does.

    Without a pattern each line is an event. One of more bytes than ``max_bytes`` is more than one.
    """

    def __init__(self, first_line_pattern: str, max_bytes: int) -> None:
        self._pattern = re.compile(first_line_pattern) if first_line_pattern else None
        self._max_bytes = max_bytes
        self._lines: list[LogLine] = []
        self._bytes = 0

    @property
    def is_empty(self) -> bool:
        """Whether no line waits for the rest of its event."""
        return not self._lines

    def add(self, line: LogLine) -> list[LogLine]:
        """Take a line. Returns the lines of the event that is whole by that; none where it goes on."""
        if self._pattern is None:
            return [line]
        size = len(line.message.encode()) + 1
        is_first = self._pattern.search(line.message) is not None
        is_full = self._bytes + size > self._max_bytes or len(self._lines) >= MAX_EVENT_LINES
        whole = self.rest() if is_first or is_full else []
        self._lines.append(line)
        self._bytes += size
        return whole

    def rest(self) -> list[LogLine]:
        """The lines of an event that nothing follows."""
        lines, self._lines, self._bytes = self._lines, [], 0
        return lines

    def event(self, lines: Sequence[LogLine]) -> LogLine:
        """The lines of an event as one, at the first one's time; each with a line feed, as from Docker's driver."""
        if self._pattern is None:
            return lines[0]
        return replace(lines[0], message="".join(f"{line.message}\n" for line in lines))
