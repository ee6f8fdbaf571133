"""Can A reach B on a port, and which rule decides? Answered from the structure that packets are filtered by. Pure.

Every border that a packet and its answer pass is a check; the first that says no decides, else the last that said yes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from aws_api.services.ec2.filtering import routes
from aws_api.services.ec2.filtering.policies import (
    AclEntry,
    GroupRule,
    Interface,
    NetworkAcl,
    Policies,
    RouteLine,
    Subnet,
    Way,
)
from aws_api.services.ec2.filtering.traffic import TCP, Traffic


@dataclass(frozen=True, kw_only=True)
class Check:
    """One border: what decides there (``egress rules of sg-1``), whether it lets pass, and the deciding rule."""

    border: str
    is_allowed: bool
    rule: str

    def __str__(self) -> str:
        return f"{self.border} {'allows' if self.is_allowed else 'denies'}: {self.rule}"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Whether traffic gets there and back. ``checks`` are in the order of the way, up to the one that said no."""

    is_allowed: bool
    checks: tuple[Check, ...]

    @property
    def decided_by(self) -> Check:
        """The border that says no, else the last on the way: the target's own."""
        return self.checks[-1]


@dataclass(frozen=True, kw_only=True)
class Place:
    """An end of the traffic: an address, and the interface that has it, if one of the VPCs known does."""

    address: IPv4Address
    interface: Interface | None = None


def reachability(policies: Policies, source: Place, target: Place, protocol: str, port: int | None) -> Answer:
    """Follow traffic from one place to another. At least one of them is an interface.

    ``protocol`` is spelled as EC2 does (``tcp``, ``udp``, ``icmp``, ``-1``, a number). Raises ValueError.
    """
    traffic = Traffic.to_port(protocol, port)
    way: Iterator[Check]
    if source.interface is not None and target.interface is not None:
        way = _between(policies, (source.interface, source.address), (target.interface, target.address), traffic)
    elif source.interface is not None:
        way = _outwards(policies, source.interface, target.address, traffic)
    elif target.interface is not None:
        way = _inwards(policies, source.address, target.interface, traffic)
    else:
        raise ValueError("neither end is a network interface")
    passed: list[Check] = []
    for check in way:
        passed.append(check)
        if not check.is_allowed:
            break
    return Answer(is_allowed=all(check.is_allowed for check in passed), checks=_deciding_last(passed))


def _deciding_last(passed: list[Check]) -> tuple[Check, ...]:
    """In their order, but for who is most interesting where all agree: the rule that lets the traffic in."""
    if not passed[-1].is_allowed:
        return tuple(passed)
    interesting = [check for check in passed if check.border.startswith("ingress rules of")] or passed[-1:]
    return (*(check for check in passed if check is not interesting[-1]), interesting[-1])


_End = tuple[Interface, IPv4Address]


def _between(policies: Policies, source_end: _End, target_end: _End, traffic: Traffic) -> Iterator[Check]:
    (source, source_address), (target, target_address) = source_end, target_end
    near, far = policies.subnets[source.subnet_id], policies.subnets[target.subnet_id]
    if target.is_endpoint:
        yield _endpoint_check(policies, target, near, traffic)
    yield group_check(policies, source, target_address, traffic, is_egress=True)
    if near is not far:
        yield _route_check(policies, near, target_address, far)
        yield acl_check(policies.acls[near.acl_id], target_address, traffic, is_egress=True)
        yield acl_check(policies.acls[far.acl_id], source_address, traffic, is_egress=False)
    yield group_check(policies, target, source_address, traffic, is_egress=False)
    if near is not far:
        if near.vpc_id != far.vpc_id:
            yield _route_check(policies, far, source_address, near, is_answer=True)
        yield acl_check(policies.acls[far.acl_id], source_address, traffic.reply, is_egress=True, is_answer=True)
        yield acl_check(policies.acls[near.acl_id], target_address, traffic.reply, is_egress=False, is_answer=True)


def _outwards(policies: Policies, source: Interface, target: IPv4Address, traffic: Traffic) -> Iterator[Check]:
    subnet = policies.subnets[source.subnet_id]
    acl = policies.acls[subnet.acl_id]
    yield group_check(policies, source, target, traffic, is_egress=True)
    line = _find_route(policies, subnet, target)
    yield _way_out_check(policies, source, subnet, target, line)
    assert line is not None
    if line.way is Way.SERVICE:
        yield _service_check(policies, line.target, traffic)
    yield acl_check(acl, target, traffic, is_egress=True)
    if line.way is Way.NAT:
        behind = policies.acls[policies.subnets[policies.nat_gateways[line.target].subnet_id].acl_id]
        yield acl_check(behind, source.address, traffic, is_egress=False)
        yield acl_check(behind, target, traffic, is_egress=True)
        yield acl_check(behind, target, traffic.reply, is_egress=False, is_answer=True)
        yield acl_check(behind, source.address, traffic.reply, is_egress=True, is_answer=True)
    yield acl_check(acl, target, traffic.reply, is_egress=False, is_answer=True)


def _inwards(policies: Policies, source: IPv4Address, target: Interface, traffic: Traffic) -> Iterator[Check]:
    subnet = policies.subnets[target.subnet_id]
    acl = policies.acls[subnet.acl_id]
    has_address = target.public_address is not None
    yield Check(
        border=f"public address of {target.interface_id}",
        is_allowed=has_address,
        rule=str(target.public_address) if has_address else "it has none, so nobody outside of the VPC reaches it",
    )
    line = _find_route(policies, subnet, source)
    is_public = line is not None and line.way is Way.INTERNET
    yield Check(
        border=f"route table {subnet.table_id} of {subnet.subnet_id}",
        is_allowed=is_public,
        rule=str(line) if is_public else f"it has no route to an internet gateway for {source}",
    )
    yield acl_check(acl, source, traffic, is_egress=False)
    yield group_check(policies, target, source, traffic, is_egress=False)
    yield acl_check(acl, source, traffic.reply, is_egress=True, is_answer=True)


# The borders ----------------------------------------------------------------------------------------------------------


def group_check(
    policies: Policies, interface: Interface, other: IPv4Address, traffic: Traffic, *, is_egress: bool
) -> Check:
    """What an interface's security groups say of traffic with another address."""
    way = "egress" if is_egress else "ingress"
    vpc_id = policies.subnets[interface.subnet_id].vpc_id
    groups = ", ".join(sorted(interface.group_ids))
    found = next(
        (
            rule
            for rule in policies.rules_of(interface)
            if rule.is_egress == is_egress and rule.match.covers(traffic) and _concerns(policies, rule, other, vpc_id)
        ),
        None,
    )
    preposition = "to" if is_egress else "from"
    return Check(
        border=f"{way} rules of {groups} ({interface.interface_id})",
        is_allowed=found is not None,
        rule=str(found) if found else f"no rule allows {traffic} {preposition} {other}",
    )


def acl_check(
    acl: NetworkAcl, other: IPv4Address, traffic: Traffic, *, is_egress: bool, is_answer: bool = False
) -> Check:
    """What a network ACL says: for each port the first line that matches it."""
    border = f"{'egress' if is_egress else 'ingress'} of network ACL {acl.acl_id}{' for the answer' * is_answer}"
    waiting = [(traffic.first_port, traffic.last_port)]
    last: AclEntry | None = None
    for entry in acl.entries:
        if entry.is_egress != is_egress or other not in entry.block:
            continue
        left: list[tuple[int, int]] = []
        for first, end in waiting:
            covered = entry.match.covered(_ports(traffic, first, end))
            if covered is None:
                left.append((first, end))
                continue
            if not entry.is_allowed:
                return Check(border=border, is_allowed=False, rule=str(entry))
            last = entry
            left.extend(part for part in ((first, covered[0] - 1), (covered[1] + 1, end)) if part[0] <= part[1])
        waiting = left
        if not waiting:
            break
    if waiting or last is None:
        return Check(border=border, is_allowed=False, rule="no line allows it")
    return Check(border=border, is_allowed=True, rule=str(last))


def _route_check(
    policies: Policies, subnet: Subnet, address: IPv4Address, there: Subnet, *, is_answer: bool = False
) -> Check:
    """Whether a subnet's table leads to an interface in another subnet: of its own VPC, or of a peered one."""
    border = f"route table {subnet.table_id} of {subnet.subnet_id}{' for the answer' * is_answer}"
    line = _find_route(policies, subnet, address)
    if line is None:
        return Check(border=border, is_allowed=False, rule=f"there is no route to {address}")
    if line.way is Way.NOWHERE:
        return Check(border=border, is_allowed=False, rule=f"{line}: {line.problem}")
    if line.way is Way.LOCAL:
        is_there = there.vpc_id == subnet.vpc_id
    else:
        peering = policies.peerings.get(line.target)
        is_there = peering is not None and peering.vpc_ids == {subnet.vpc_id, there.vpc_id}
    rule = str(line) if is_there else f"{line} does not lead to {there.vpc_id}"
    return Check(border=border, is_allowed=is_there, rule=rule)


def _way_out_check(
    policies: Policies, source: Interface, subnet: Subnet, target: IPv4Address, line: RouteLine | None
) -> Check:
    """Whether a subnet's table leads an interface to an address that no interface has."""
    border = f"route table {subnet.table_id} of {subnet.subnet_id}"
    if line is None:
        return Check(border=border, is_allowed=False, rule=f"there is no route to {target}")
    problem = {
        Way.LOCAL: f"no network interface has {target}",
        Way.PEERING: f"no network interface has {target}",
        Way.NOWHERE: line.problem,
    }.get(line.way, "")
    if line.way is Way.INTERNET and source.public_address is None:
        problem = f"{source.interface_id} has no public address"
    return Check(border=border, is_allowed=not problem, rule=f"{line}: {problem}" if problem else str(line))


def _endpoint_check(policies: Policies, endpoint: Interface, near: Subnet, traffic: Traffic) -> Check:
    """An interface endpoint serves its own VPC."""
    vpc_id = policies.vpc_of(endpoint).vpc_id
    if near.vpc_id != vpc_id:
        rule = f"it answers in {vpc_id} alone, not in peered VPCs"
        return Check(border=f"VPC endpoint of {endpoint.interface_id}", is_allowed=False, rule=rule)
    return _service_check(policies, endpoint.interface_id, traffic)


def _service_check(policies: Policies, name: str, traffic: Traffic) -> Check:
    """Whether a VPC endpoint answers: only there where Simfra does."""
    is_served = traffic.protocol == TCP and traffic.first_port == traffic.last_port in policies.service_ports
    ports = " and ".join(map(str, sorted(policies.service_ports)))
    return Check(border=f"VPC endpoint of {name}", is_allowed=is_served, rule=f"it answers at the TCP ports {ports}")


def _find_route(policies: Policies, subnet: Subnet, address: IPv4Address) -> RouteLine | None:
    return routes.find(routes.ranges(policies, policies.tables[subnet.table_id]), address)


def _concerns(policies: Policies, rule: GroupRule, other: IPv4Address, vpc_id: str) -> bool:
    if rule.referenced_group:
        return other in policies.members(rule.referenced_group, vpc_id)
    return any(other in block for block in rule.blocks)


def _ports(traffic: Traffic, first: int, last: int) -> Traffic:
    return Traffic(
        protocol=traffic.protocol,
        first_port=first,
        last_port=last,
        icmp_type=traffic.icmp_type,
        icmp_code=traffic.icmp_code,
    )
