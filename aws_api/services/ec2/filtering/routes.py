"""Route tables as disjoint ranges of addresses: the most specific line wins, a NAT gateway's own table included. Pure.

https://docs.aws.amazon.com/vpc/latest/userguide/RouteTables.html#route-tables-priority
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from aws_api.services.ec2.filtering.policies import Policies, RouteLine, RouteTable, Way

_END = 2**32


@dataclass(frozen=True, kw_only=True)
class RouteRange:
    """Addresses, first and last included, that one line of a table decides."""

    first: IPv4Address
    last: IPv4Address
    line: RouteLine

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


def ranges(policies: Policies, table: RouteTable) -> tuple[RouteRange, ...]:
    """What a table decides, by address; addresses that no line is about are in none of the ranges."""
    own = _Lines(table.lines)
    behind = {line.target: _behind(policies, line.target) for line in table.lines if line.way is Way.NAT}
    starts = sorted({0, *own.borders(), *(border for lines in behind.values() for border in lines.borders())})
    found: list[RouteRange] = []
    for start, end in zip(starts, [*starts[1:], _END], strict=True):
        line = own.find(start)
        if line is not None and line.way is Way.NAT:
            line = _through_nat(line, behind[line.target].find(start))
        if line is None:
            continue
        is_more_of_it = found and int(found[-1].last) == start - 1 and found[-1].line == line
        first = found.pop().first if is_more_of_it else IPv4Address(start)
        found.append(RouteRange(first=first, last=IPv4Address(end - 1), line=line))
    return tuple(found)


def find(found: tuple[RouteRange, ...], address: IPv4Address) -> RouteLine | None:
    """The line that decides about an address, or None where there is no route."""
    place = bisect_right([int(each.first) for each in found], int(address)) - 1
    return found[place].line if place >= 0 and address <= found[place].last else None


class _Lines:
    """The lines of a table, to be found by address."""

    def __init__(self, lines: Iterable[RouteLine]) -> None:
        self._by_block: dict[tuple[int, int], RouteLine] = {}
        # A route to the VPC itself comes before another to the same block; so does a block of one's own before a list.
        for line in sorted(lines, key=lambda line: (line.way is Way.LOCAL, len(line.blocks) == 1)):
            for block in line.blocks:
                self._by_block[block.prefixlen, int(block.network_address)] = line
        self._lengths = sorted({length for length, _ in self._by_block}, reverse=True)

    def borders(self) -> set[int]:
        """Where another line may begin to decide."""
        return {first for _, first in self._by_block} | {
            first + (1 << 32 - length) for length, first in self._by_block if first + (1 << 32 - length) < _END
        }

    def find(self, address: int) -> RouteLine | None:
        for length in self._lengths:
            line = self._by_block.get((length, address >> 32 - length << 32 - length))
            if line is not None:
                return line
        return None


def _behind(policies: Policies, nat_id: str) -> _Lines:
    """The lines of the subnet that a NAT gateway is in."""
    gateway = policies.nat_gateways[nat_id]
    return _Lines(policies.tables[policies.subnets[gateway.subnet_id].table_id].lines)


def _through_nat(line: RouteLine, onward: RouteLine | None) -> RouteLine:
    if onward is not None and onward.way is Way.INTERNET:
        return line
    return replace(line, way=Way.NOWHERE, problem=f"the subnet of {line.target} has no route to the internet")
