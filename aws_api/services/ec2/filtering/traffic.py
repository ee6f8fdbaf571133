"""What a rule matches: protocol, ports or ICMP type and code; of addresses the rules themselves know. Pure.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
"""

from dataclasses import dataclass, replace

ALL = -1
ICMP, TCP, UDP = 1, 6, 17
_NUMBERS = {"icmp": ICMP, "tcp": TCP, "udp": UDP, "icmpv6": 58, "all": ALL}
_NAMES = {number: name for name, number in _NUMBERS.items()}
_LAST_PORT = 65535
#: Where Linux takes the ports of those who call; an answer must get there.
EPHEMERAL_PORTS = (32768, 60999)
_ECHO_REQUEST, _ECHO_REPLY = (8, 0), (0, 0)


def protocol_number(name: str) -> int:
    """The number of a protocol as EC2 spells it (``tcp``, ``6``, ``-1``). Raises ValueError."""
    number = _NUMBERS[name.lower()] if name.lower() in _NUMBERS else int(name)
    if not ALL <= number <= 255:
        raise ValueError(f"{name} is no IP protocol")
    return number


def has_ports(protocol: int) -> bool:
    """Whether a protocol has ports that rules look at."""
    return protocol in (TCP, UDP)


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Packets of one kind: with ports, all of ``first_port`` to ``last_port``, at the receiver's end."""

    protocol: int
    first_port: int = 0
    last_port: int = _LAST_PORT
    icmp_type: int = ALL
    icmp_code: int = ALL

    @classmethod
    def to_port(cls, protocol: str, port: int | None) -> "Traffic":
        """What a caller sends to a port; a call by ICMP is an echo request. Raises ValueError."""
        number = protocol_number(protocol)
        if number == ICMP:
            return cls(protocol=number, icmp_type=_ECHO_REQUEST[0], icmp_code=_ECHO_REQUEST[1])
        if not has_ports(number) or port is None:
            return cls(protocol=number)
        if not 0 <= port <= _LAST_PORT:
            raise ValueError(f"{port} is no port")
        return cls(protocol=number, first_port=port, last_port=port)

    @property
    def reply(self) -> "Traffic":
        """What comes back, to wherever a caller may listen for it."""
        if self.protocol == ICMP:
            return replace(self, icmp_type=_ECHO_REPLY[0], icmp_code=_ECHO_REPLY[1])
        if has_ports(self.protocol):
            return replace(self, first_port=EPHEMERAL_PORTS[0], last_port=EPHEMERAL_PORTS[1])
        return self

    def __str__(self) -> str:
        name = protocol_name(self.protocol)
        if not has_ports(self.protocol):
            return name
        return f"{name} {_range(self.first_port, self.last_port)}"


@dataclass(frozen=True, kw_only=True)
class Match:
    """What of a packet a rule looks at, besides addresses. ``protocol`` -1 is every one; so are types and codes."""

    protocol: int = ALL
    first_port: int = 0
    last_port: int = _LAST_PORT
    icmp_type: int = ALL
    icmp_code: int = ALL

    def covered(self, traffic: Traffic) -> tuple[int, int] | None:
        """The part of the traffic's ports that it matches; None where it matches nothing."""
        if self.protocol == ALL:
            return traffic.first_port, traffic.last_port
        if self.protocol != traffic.protocol:
            return None
        if self.protocol == ICMP:
            of_type = self.icmp_type in (ALL, traffic.icmp_type)
            is_match = of_type and (self.icmp_code in (ALL, traffic.icmp_code) or self.icmp_type == ALL)
            return (traffic.first_port, traffic.last_port) if is_match else None
        if not has_ports(self.protocol):
            return traffic.first_port, traffic.last_port
        first, last = max(self.first_port, traffic.first_port), min(self.last_port, traffic.last_port)
        return (first, last) if first <= last else None

    def covers(self, traffic: Traffic) -> bool:
        """Whether it matches all of the traffic."""
        return self.covered(traffic) == (traffic.first_port, traffic.last_port)

    @property
    def nft(self) -> str:
        """As nftables takes it; nothing where everything matches."""
        if self.protocol == ALL:
            return ""
        if self.protocol == ICMP and self.icmp_type != ALL:
            code = "" if self.icmp_code == ALL else f" icmp code {self.icmp_code}"
            return f"icmp type {self.icmp_type}{code}"
        if has_ports(self.protocol) and (self.first_port, self.last_port) != (0, _LAST_PORT):
            return f"{protocol_name(self.protocol)} dport {_range(self.first_port, self.last_port)}"
        return f"meta l4proto {self.protocol}"

    def __str__(self) -> str:
        name = protocol_name(self.protocol)
        if self.protocol == ICMP and self.icmp_type != ALL:
            return f"{name} type {self.icmp_type}" + ("" if self.icmp_code == ALL else f" code {self.icmp_code}")
        return f"{name} {_range(self.first_port, self.last_port)}" if has_ports(self.protocol) else name


def protocol_name(number: int) -> str:
    """``tcp``, ``all traffic``, ``protocol 47``."""
    if number == ALL:
        return "all traffic"
    return _NAMES.get(number, f"protocol {number}")


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
