"""How far the machine's clock may be off, as its kernel says: what Fargate tells tasks as ClockDrift.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate-response.html
https://man7.org/linux/man-pages/man2/adjtimex.2.html
"""

import ctypes
import struct
from datetime import UTC, datetime
from functools import cache
from typing import Any

#: The beginning of struct timex: modes, offset, freq, maxerror, esterror, status.
_TIMEX = struct.Struct("@Iqqqqi")
_TIMEX_BYTES = 256
_IS_UNSYNCHRONIZED = 0x0040


def clock_drift() -> dict[str, Any] | None:
    """The clock's largest error, in milliseconds, and whether it is synchronized; None where no kernel says so."""
    adjtimex = _adjtimex()
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)
    # With modes 0 it changes nothing, and needs no privilege.
    if adjtimex is None or adjtimex(timex) < 0:
        return None
    _, _, _, largest_error_us, _, status = _TIMEX.unpack_from(timex)
    return {
        "ClockErrorBound": largest_error_us / 1000,
        "ReferenceTimestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "ClockSynchronizationStatus": "NOT_SYNCHRONIZED" if status & _IS_UNSYNCHRONIZED else "SYNCHRONIZED",
    }


@cache
def _adjtimex() -> Any | None:
    """The C library's function; it is Linux's alone."""
    return getattr(ctypes.CDLL(None), "adjtimex", None)
