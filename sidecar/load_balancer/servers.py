"""Targets as HAProxy's servers, in its configuration. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MARK = "# servers "
FULL_WEIGHT = 100


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server of a backend: whether it gets requests, and how many beside others that get FULL_WEIGHT."""

    name: str
    options: str
    is_ready: bool
    weight: int = FULL_WEIGHT


def server_name(target: str) -> str:
    """HAProxy's name of ``10.0.1.9:80``."""
    return "s-" + target.replace(".", "-").replace(":", "-")


def with_servers(text: str, servers: Mapping[str, Iterable[Server]]) -> str:
    """The configuration with the servers of each backend in the place of its mark."""
    lines = []
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped.startswith(MARK):
            lines.append(line)
            continue
        lines += [f"  {_line(server)}" for server in servers.get(stripped.removeprefix(MARK), ())]
    return "\n".join(lines) + "\n"


def options_of(server: Server) -> str:
    """What follows the server's address."""
    return server.options.replace(f"weight {FULL_WEIGHT}", f"weight {server.weight}")


def _line(server: Server) -> str:
    line = f"server {server_name(server.name)} {server.name} {options_of(server)}"
    return line if server.is_ready else f"{line} disabled"
