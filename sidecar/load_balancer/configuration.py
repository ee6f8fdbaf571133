"""What a load balancer is told, by one line of JSON that is checked before it is applied.

A configuration is whole::

    {"interfaces": [{"address": "10.0.1.5/24", "gateway": "10.0.1.1"}], "mac_address": "02:...",
     "filter": {"gateway": "10.0.1.1", "port": 5303, "interface": "eni-0123", "token": "..."},
     "haproxy": "global ...", "files": {"502.http": "..."},
     "groups": {"web-0123": {"version": 7, "options": "weight 100", "cookie_key": "", "slow_start_s": 0,
         "has_servers": true,
         "targets": [{"address": "10.0.1.9", "port": 80, "draining": false, "registered": 1700000000000}],
         "check": {"protocol": "HTTP", "version": "HTTP1", "port": "traffic-port", "path": "/", "codes": "200",
                   "interval_s": 30, "timeout_s": 5, "healthy": 5, "unhealthy": 2}}},
     "udp": [{"port": 53, "groups": {"dns-4567": 1}}],
     "access_log": false}

Changes of targets go ahead of the next configuration::

    {"changes": [{"group": "web-0123", "version": 8, "targets": [...]}]}

Versions tell what is newer: a configuration that was read before a change does not take that back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface
from typing import Any

MAX_TARGETS = 10_000
TRAFFIC_PORT = "traffic-port"


class ConfigurationError(ValueError):
    """The load balancer was told something that makes no sense; the message says what."""


@dataclass(frozen=True, kw_only=True)
class Interface:
    """An address of the load balancer's in a subnet."""

    address: IPv4Interface
    gateway: IPv4Address


@dataclass(frozen=True, kw_only=True)
class Check:
    """How targets of a group are checked. ``codes`` are those that pass; none where a connection is enough."""

    protocol: str
    version: str
    port: int | None
    path: str
    codes: frozenset[int]
    interval_s: int
    timeout_s: int
    healthy: int
    unhealthy: int


@dataclass(frozen=True, kw_only=True)
class Target:
    """A target; ``registered`` grows when it is registered again. ``fails_checks``: it is to, however it answers."""

    address: IPv4Address
    port: int
    is_draining: bool
    registered: int
    fails_checks: bool = False

    @property
    def name(self) -> str:
        """What Simfra and HAProxy know it by."""
        return f"{self.address}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class TargetSet:
    """The targets of a group as of a version."""

    version: int
    targets: tuple[Target, ...]


@dataclass(frozen=True, kw_only=True)
class Group:
    """A target group. ``options`` follow a server's address in HAProxy's configuration; cookies that name servers are
    made of ``cookie_key``, where it is not empty."""

    targets: TargetSet
    options: str
    cookie_key: str
    slow_start_s: int
    has_servers: bool
    check: Check


@dataclass(frozen=True, kw_only=True)
class Datagrams:
    """A port for UDP, and the groups behind it by their weights."""

    port: int
    groups: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class FilterSource:
    """Where the packet filter of an interface comes from, and what proves whose it is."""

    gateway: IPv4Address
    port: int
    interface: str
    token: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """A load balancer; without a filter everything passes."""

    filter: FilterSource | None
    interfaces: tuple[Interface, ...]
    mac_address: str
    haproxy: str
    files: Mapping[str, str] = field(repr=False)
    groups: Mapping[str, Group]
    udp: tuple[Datagrams, ...]
    access_log: bool

    @classmethod
    def from_json(cls, document: Any) -> "Configuration":
        """Read what ``json.loads`` gave. Raises ConfigurationError."""
        try:
            if any("/" in name for name in document["files"]):
                raise ConfigurationError("A file is not outside of its folder")
            return cls(
                filter=_filter(document["filter"]),
                interfaces=tuple(
                    Interface(address=IPv4Interface(one["address"]), gateway=IPv4Address(one["gateway"]))
                    for one in document["interfaces"]
                ),
                mac_address=str(document["mac_address"]),
                haproxy=str(document["haproxy"]),
                files={str(name): str(text) for name, text in document["files"].items()},
                groups={str(key): _group(group) for key, group in document["groups"].items()},
                udp=tuple(
                    Datagrams(port=int(one["port"]), groups={key: int(w) for key, w in one["groups"].items()})
                    for one in document["udp"]
                ),
                access_log=bool(document["access_log"]),
            )
        except ConfigurationError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ConfigurationError(f"{type(error).__name__}: {error}") from error


def changes_from_json(document: Any) -> dict[str, TargetSet]:
    """The targets of groups out of ``changes``, the newest of each. Raises ConfigurationError."""
    try:
        found: dict[str, TargetSet] = {}
        for change in document:
            told = _target_set(change)
            key = str(change["group"])
            if key not in found or found[key].version <= told.version:
                found[key] = told
        return found
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigurationError(f"{type(error).__name__}: {error}") from error


def _filter(document: Any) -> FilterSource | None:
    if document is None:
        return None
    return FilterSource(
        gateway=IPv4Address(document["gateway"]),
        port=int(document["port"]),
        interface=str(document["interface"]),
        token=str(document["token"]),
    )


def _group(document: Any) -> Group:
    return Group(
        targets=_target_set(document),
        options=str(document["options"]),
        cookie_key=str(document["cookie_key"]),
        slow_start_s=int(document["slow_start_s"]),
        has_servers=bool(document["has_servers"]),
        check=_check(document["check"]),
    )


def _target_set(document: Any) -> TargetSet:
    if len(document["targets"]) > MAX_TARGETS:
        raise ConfigurationError(f"At most {MAX_TARGETS} targets are taken")
    return TargetSet(
        version=int(document["version"]),
        targets=tuple(
            Target(
                address=IPv4Address(one["address"]),
                port=int(one["port"]),
                is_draining=bool(one["draining"]),
                registered=int(one["registered"]),
                fails_checks=bool(one.get("fails_checks")),
            )
            for one in document["targets"]
        ),
    )


def _check(document: Any) -> Check:
    port = document["port"]
    return Check(
        protocol=str(document["protocol"]),
        version=str(document["version"]),
        port=None if port == TRAFFIC_PORT else int(port),
        path=str(document["path"]),
        codes=read_codes(str(document["codes"])),
        interval_s=int(document["interval_s"]),
        timeout_s=int(document["timeout_s"]),
        healthy=int(document["healthy"]),
        unhealthy=int(document["unhealthy"]),
    )


def read_codes(text: str) -> frozenset[int]:
    """``200,202`` or ``200-299`` as numbers."""
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), min(int(last or first), 999) + 1))
    return frozenset(found)
