"""Reading a container's output as the engine streams it: frames, timestamps, lines. Pure.

Docker cuts lines at 16 KiB. The pieces are put together again, and cut where a log event can hold no more.
"""

import calendar
import time
from functools import lru_cache

from aws_api.core.containers import LogLine
from workers.shipping import MAX_MESSAGE_BYTES

_FRAME_HEADER_BYTES = 8
_STREAMS = {0: "stdin", 1: "stdout", 2: "stderr"}


class OutputDecoder:
    """Bytes of ``GET /containers/{id}/logs?timestamps=1`` to lines. With a terminal there are no frames."""

    def __init__(self, *, has_terminal: bool) -> None:
        self._has_terminal = has_terminal
        self._rest = b""
        #: By stream: when the line's first piece was written, and its pieces.
        self._pieces: dict[str, tuple[int, list[bytes]]] = {}

    def feed(self, data: bytes) -> list[LogLine]:
        """The lines that are complete now."""
        self._rest += data
        return self._raw_lines() if self._has_terminal else self._framed_lines()

    def finish(self) -> list[LogLine]:
        """What is left when the output has ended: last lines without a line feed."""
        left = [
            LogLine(at_ns=at_ns, stream=stream, message=_text(b"".join(pieces)))
            for stream, (at_ns, pieces) in self._pieces.items()
        ]
        self._pieces = {}
        if self._has_terminal and self._rest:
            left += self._stamped("stdout", self._rest + b"\n")
        self._rest = b""
        return left

    def _raw_lines(self) -> list[LogLine]:
        *complete, self._rest = self._rest.split(b"\n")
        lines: list[LogLine] = []
        for line in complete:
            lines += self._stamped("stdout", line + b"\n")
        return lines

    def _framed_lines(self) -> list[LogLine]:
        lines: list[LogLine] = []
        data, position = self._rest, 0
        while len(data) - position >= _FRAME_HEADER_BYTES:
            end = position + _FRAME_HEADER_BYTES + int.from_bytes(data[position + 4 : position + 8], "big")
            if len(data) < end:
                break
            stream = _STREAMS.get(data[position], "stdout")
            lines += self._stamped(stream, data[position + _FRAME_HEADER_BYTES : end])
            position = end
        self._rest = data[position:]
        return lines

    def _stamped(self, stream: str, piece: bytes) -> list[LogLine]:
        """A piece as the engine wrote it, ``<time> <text>``; a line where it ends with a line feed."""
        stamp, _, text = piece.partition(b" ")
        at_ns, pieces = self._pieces.pop(stream, (0, []))
        pieces.append(text)
        at_ns = at_ns or _nanoseconds(stamp.strip().decode("ascii", errors="replace"))
        is_complete = piece.endswith(b"\n")
        if not is_complete and sum(map(len, pieces)) <= MAX_MESSAGE_BYTES:
            self._pieces[stream] = (at_ns, pieces)
            return []
        rest = b"".join(pieces)
        if is_complete:
            rest = rest.rstrip(b"\r\n")
        texts: list[bytes] = []
        while len(rest) > MAX_MESSAGE_BYTES:
            texts.append(rest[:MAX_MESSAGE_BYTES])
            rest = rest[MAX_MESSAGE_BYTES:]
        if is_complete:
            texts.append(rest)
        else:
            self._pieces[stream] = (at_ns, [rest])
        return [LogLine(at_ns=at_ns, stream=stream, message=_text(text)) for text in texts]


def timestamp(at_ns: int) -> str:
    """A time as the engine's ``since`` takes it without losing precision."""
    return f"{at_ns // 1_000_000_000}.{at_ns % 1_000_000_000:09d}"


def _text(line: bytes) -> str:
    return line.rstrip(b"\r\n").decode(errors="replace")


def _nanoseconds(stamp: str) -> int:
    seconds, _, fraction = stamp.removesuffix("Z").partition(".")
    return _second(seconds) * 1_000_000_000 + int((fraction + "000000000")[:9])


@lru_cache(maxsize=256)
def _second(text: str) -> int:
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%S"))
