"""Handing a sidecar its configuration over its control port."""

import json
import socket
from collections.abc import Iterator, Mapping
from typing import Any

from aws_api.core.containers import RuntimeFailure
from aws_api.core.sidecars import CONTROL_PORT_VARIABLE, CONTROL_TOKEN_VARIABLE

_CONNECT_TIMEOUT_S = 3
#: A gateway takes thousands of records in a fraction of a second.
_ANSWER_TIMEOUT_S = 20
_MAX_ANSWER_BYTES = 4096

Address = tuple[str, int]


def configure(inspected: Mapping[str, Any], configuration: Mapping[str, Any]) -> None:
    """Send a configuration to a container as inspected; it applies all of it or nothing. Raises RuntimeFailure."""
    environment = dict(entry.split("=", 1) for entry in inspected["Config"]["Env"] or ())
    message = {"token": environment.get(CONTROL_TOKEN_VARIABLE, ""), "configuration": configuration}
    line = json.dumps(message).encode() + b"\n"
    name = inspected["Name"].lstrip("/")
    problems = []
    for address in _addresses(inspected, int(environment.get(CONTROL_PORT_VARIABLE, "0"))):
        try:
            answer = _converse(address, line)
        except OSError as error:
            problems.append(f"{address[0]}:{address[1]}: {error}")
            continue
        if not answer.startswith("ok "):
            raise RuntimeFailure(f"{name} refuses its configuration: {answer.removeprefix('error ') or 'no answer'}")
        return
    raise RuntimeFailure(f"{name} cannot be configured: {'; '.join(problems) or 'it is not running'}")


def _addresses(inspected: Mapping[str, Any], port: int) -> Iterator[Address]:
    """Where the control port may be reached: published on loopback, or on its network where Simfra is on that too."""
    networks = inspected["NetworkSettings"]
    for place in (networks.get("Ports") or {}).get(f"{port}/tcp") or ():
        yield place["HostIp"], int(place["HostPort"])
    for network in (networks.get("Networks") or {}).values():
        # Those on a backing subnet are gone from the container; the connection is then refused or times out.
        if network.get("IPAddress") and network.get("Gateway"):
            yield network["IPAddress"], port


def _converse(address: Address, line: bytes) -> str:
    with socket.create_connection(address, timeout=_CONNECT_TIMEOUT_S) as connection:
        connection.settimeout(_ANSWER_TIMEOUT_S)
        connection.sendall(line)
        answer = b""
        while not answer.endswith(b"\n") and len(answer) < _MAX_ANSWER_BYTES:
            received = connection.recv(_MAX_ANSWER_BYTES)
            if not received:
                # Docker's proxy accepts in the place of a container that does not.
                if not answer:
                    raise OSError("the connection was closed without an answer")
                break
            answer += received
    return answer.decode(errors="replace").strip()
