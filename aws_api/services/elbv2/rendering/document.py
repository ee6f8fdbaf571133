"""The whole configuration: what is the same for every load balancer, then its listeners and target groups."""

from collections.abc import Iterator

from aws_api.services.elbv2.rendering.backends import backend_lines
from aws_api.services.elbv2.rendering.frontends import frontend_lines
from aws_api.services.elbv2.specification import LoadBalancerSpec

RUN = "/run/simfra"
#: Two for each connection, and some; where the engine gives fewer, HAProxy takes those.
MAX_FILE_DESCRIPTORS = 65_536
_ERRORS = {
    400: "400 Bad Request",
    408: "408 Request Time-out",
    500: "500 Internal Server Error",
    502: "502 Bad Gateway",
    503: "503 Service Temporarily Unavailable",
    504: "504 Gateway Time-out",
}


def render(load_balancer: LoadBalancerSpec) -> str:
    """HAProxy's configuration, with marks where servers go."""
    lines = [*_global(), "", *_defaults(load_balancer)]
    for listener in load_balancer.listeners:
        if listener.protocol != "UDP":
            lines += ["", *frontend_lines(load_balancer, listener)]
    for group in load_balancer.target_groups:
        lines += ["", *backend_lines(load_balancer, group)]
    return "\n".join(lines) + "\n"


def error_page(title: str) -> str:
    """The page that ELB answers with."""
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "</body>\r\n</html>\r\n"
    )


def bad_gateway() -> str:
    """A whole answer, for the place where HAProxy has another status in mind."""
    body = error_page(_ERRORS[502])
    return (
        "HTTP/1.1 502 Bad Gateway\r\nServer: awselb/2.0\r\nContent-Type: text/html\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    )


def _global() -> Iterator[str]:
    yield "global"
    yield f"  stats socket {RUN}/haproxy.sock mode 600 level admin expose-fd listeners"
    yield f"  fd-hard-limit {MAX_FILE_DESCRIPTORS}"
    # The largest header that ELB takes.
    yield "  tune.bufsize 65536"
    yield "  tune.ssl.default-dh-param 2048"
    # Connections that outlive a reload; as long as a target may take to drain.
    yield "  hard-stop-after 1h"


def _defaults(load_balancer: LoadBalancerSpec) -> Iterator[str]:
    idle_s = load_balancer.attributes.get("idle_timeout.timeout_seconds", "350")
    yield "defaults"
    yield f"  mode {'http' if load_balancer.type == 'application' else 'tcp'}"
    yield "  timeout connect 10s"
    for name in ("client", "server", "tunnel", "http-request", "http-keep-alive"):
        yield f"  timeout {name} {idle_s}s"
    yield "  retries 2"
    yield "  option redispatch"
    for status, title in _ERRORS.items() if load_balancer.type == "application" else ():
        page = error_page(title).replace("\r\n", "\\r\\n")
        yield f'  http-error status {status} content-type "text/html" string "{page}" hdr Server awselb/2.0'
