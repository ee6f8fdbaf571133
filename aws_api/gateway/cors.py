"""Browsers: pages of this machine may call the endpoint, pages of the internet may not.

An emulator on loopback is reachable from every page that its user visits, so a foreign Origin is refused rather than
answered: a page could otherwise start containers.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from django.conf import settings

from aws_api.protocol.wire import WireResponse

_LOCAL = ("localhost", "127.0.0.1", "::1", "simfra.local")


def refusal(headers: Mapping[str, str]) -> WireResponse | None:
    """403 for a request from a page that is not of this machine nor in SIMFRA_CORS_ORIGINS; None lets it pass.

    Images, forms and links send no Origin with a GET; browsers say of them that they come from another site.
    """
    origin = headers.get("origin")
    if origin is None and headers.get("sec-fetch-site") == "cross-site":
        origin = "of another site"
    if origin is None or _is_allowed(origin):
        return None
    message = f"Requests from the web page {origin} are not allowed. Add it to SIMFRA_CORS_ORIGINS to allow them."
    return WireResponse(403, (("content-type", "text/plain; charset=utf-8"),), message.encode())


def preflight(headers: Mapping[str, str]) -> WireResponse:
    """The answer to OPTIONS."""
    return WireResponse(
        200,
        (
            ("access-control-allow-methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
            ("access-control-allow-headers", headers.get("access-control-request-headers", "*")),
            ("access-control-max-age", "600"),
        ),
        b"",
    )


def response_headers(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """What lets the page read the answer."""
    origin = headers.get("origin")
    if origin is None:
        return []
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", b"x-amzn-requestid, x-amz-crc32, x-amzn-errortype, etag"),
        (b"vary", b"origin"),
    ]


def _is_allowed(origin: str) -> bool:
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:
        return False
    return host in _LOCAL or host.endswith(".localhost") or origin in settings.SIMFRA_CORS_ORIGINS
