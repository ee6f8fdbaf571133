"""What goes over the wire, as plain values: the request as it came and the answer as it leaves."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class WireRequest:
    """One HTTP request. ``path`` is percent-decoded, ``raw_path`` as sent, ``query`` raw and without its ``?``.

    Header names are lower-case. ``body_stream`` is set, and ``body`` empty, where the body is not held in memory.
    """

    method: str = "POST"
    path: str = "/"
    raw_path: str = "/"
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    client_host: str = "127.0.0.1"
    scheme: str = "http"
    body_stream: AsyncIterator[bytes] | None = None


@dataclass(frozen=True, slots=True)
class WireResponse:
    """One HTTP answer. Header names are lower-case; a streamed body has no content-length."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes | AsyncIterator[bytes]
