"""Reading a container's output as the engine streams it: frames, timestamps, lines. Pure.

Docker cuts lines at 16 KiB. The pieces are put together again, and cut where a log event can hold no more.
"""

import calendar
import re
import time
from functools import lru_cache

from aws_api.core.containers import LogLine
from workers.shipping import MAX_MESSAGE_BYTES

_FRAME_HEADER_BYTES = 8
_STREAMS = {0: "stdin", 1: "stdout", 2: "stderr"}
#: Docker's own buffer: a line that is longer comes in pieces of this size, each with a time of its own.
_PIECE_BYTES = 16 * 1024
#: What stands in Docker's log for a byte that is no UTF-8, such as half a character at a piece's end: three for one.
_REPLACEMENT = "\ufffd".encode()
_STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z ")
_STAMP_BYTES = 31


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
        lines: list[LogLine] = []
        data, position = self._rest, 0
        while True:
            end = data.find(b"\n", position)
            border = _next_piece(data, position, len(data) if end < 0 else end)
            if border is None and end < 0:
                break
            after = end + 1 if border is None else border
            lines += self._stamped("stdout", data[position:after])
            position = after
        self._rest = data[position:]
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


def _next_piece(data: bytes, start: int, end: int) -> int | None:
    """Where a line's next piece begins in a terminal's output, which has no frames; None where the line has no more."""
    earliest = start + _STAMP_BYTES + _PIECE_BYTES
    latest = min(end, earliest + 2 * _PIECE_BYTES + _STAMP_BYTES)
    match = _STAMP.search(data, earliest, latest) if earliest < latest else None
    if match is None:
        return None
    # A time that the program itself printed there is told by its place.
    grown = match.start() - earliest
    is_border = grown % 2 == 0 and grown <= 2 * data.count(_REPLACEMENT, start, match.start())
    return match.start() if is_border else None


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
