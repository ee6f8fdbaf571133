"""Security group rules as requests carry them: checked, in one form, one peer each. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aws_api.services.ec2.addresses import parse_block, parse_block6
from aws_api.services.ec2.errors import InvalidParameterCombination, InvalidParameterValue, MissingParameter

ALL_PROTOCOLS = "-1"
_NAMES = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6", "all": ALL_PROTOCOLS}
_WITH_PORTS = ("tcp", "udp")
_WITH_TYPES = ("icmp", "icmpv6")
_MAX_DESCRIPTION_LENGTH = 255


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Whom a rule is about; exactly one of the first four, or a group by its name. ``owner_id`` is a group's."""

    cidr_ipv4: str = ""
    cidr_ipv6: str = ""
    prefix_list_id: str = ""
    group_id: str = ""
    group_name: str = ""
    owner_id: str = ""

    def __str__(self) -> str:
        return self.cidr_ipv4 or self.cidr_ipv6 or self.prefix_list_id or self.group_id or self.group_name


@dataclass(frozen=True, kw_only=True)
class Permission:
    """One rule. Ports are -1 where the protocol has none; for ICMP they are type and code.

    ``str()`` is how EC2 prints a rule in errors: ``peer: 0.0.0.0/0, TCP, from port: 22, to port: 22, ALLOW``.
    """

    ip_protocol: str
    from_port: int
    to_port: int
    peer: Peer
    description: str = ""

    @property
    def identity(self) -> tuple[str, int, int, str]:
        """What makes two rules the same one; descriptions do not."""
        return (self.ip_protocol, self.from_port, self.to_port, str(self.peer))

    def __str__(self) -> str:
        if self.ip_protocol == ALL_PROTOCOLS:
            return f"peer: {self.peer}, ALL, ALLOW"
        protocol = self.ip_protocol.upper()
        if self.ip_protocol in _WITH_TYPES:
            return f"peer: {self.peer}, {protocol}, type: {self.from_port}, code: {self.to_port}, ALLOW"
        return f"peer: {self.peer}, {protocol}, from port: {self.from_port}, to port: {self.to_port}, ALLOW"


def parse_permissions(request: Mapping[str, Any]) -> list[Permission]:
    """The permissions of a request: of IpPermissions, and of the older members for a single one."""
    permissions = [each for given in request.get("IpPermissions") or () for each in _parse_permission(given)]
    return permissions + _parse_single(request)


def parse_rule(given: Mapping[str, Any]) -> Permission:
    """The permission of a SecurityGroupRuleRequest."""
    protocol, from_port, to_port = _parse_ports(given)
    peers = [
        peer
        for peer in (
            Peer(cidr_ipv4=_block4(given["CidrIpv4"])) if given.get("CidrIpv4") else None,
            Peer(cidr_ipv6=_block6(given["CidrIpv6"])) if given.get("CidrIpv6") else None,
            Peer(prefix_list_id=given["PrefixListId"]) if given.get("PrefixListId") else None,
            Peer(group_id=given["ReferencedGroupId"]) if given.get("ReferencedGroupId") else None,
        )
        if peer is not None
    ]
    if len(peers) != 1:
        raise InvalidParameterCombination("A security group rule must have exactly one source or destination.")
    return Permission(
        ip_protocol=protocol,
        from_port=from_port,
        to_port=to_port,
        peer=peers[0],
        description=_description(given),
    )


def _parse_permission(given: Mapping[str, Any]) -> Iterator[Permission]:
    protocol, from_port, to_port = _parse_ports(given)
    peers = list(_parse_peers(given))
    if not peers:
        raise MissingParameter("The request must contain the parameter ipRanges, ipv6Ranges, groups or prefixListIds")
    for peer, described in peers:
        yield Permission(
            ip_protocol=protocol,
            from_port=from_port,
            to_port=to_port,
            peer=peer,
            description=_description(described),
        )


def _parse_peers(given: Mapping[str, Any]) -> Iterator[tuple[Peer, Mapping[str, Any]]]:
    for item in given.get("IpRanges") or ():
        yield Peer(cidr_ipv4=_block4(item.get("CidrIp", ""))), item
    for item in given.get("Ipv6Ranges") or ():
        yield Peer(cidr_ipv6=_block6(item.get("CidrIpv6", ""))), item
    for item in given.get("PrefixListIds") or ():
        yield Peer(prefix_list_id=item.get("PrefixListId", "")), item
    for item in given.get("UserIdGroupPairs") or ():
        group_id, group_name = item.get("GroupId", ""), item.get("GroupName", "")
        if not group_id and not group_name:
            raise MissingParameter("The request must contain the parameter groupId or groupName")
        yield (
            Peer(
                group_id=group_id,
                group_name="" if group_id else group_name,
                owner_id=item.get("UserId", ""),
            ),
            item,
        )


def _parse_single(request: Mapping[str, Any]) -> list[Permission]:
    """``CidrIp`` or ``SourceSecurityGroupName`` with protocol and ports, beside IpPermissions."""
    block, group_name = request.get("CidrIp"), request.get("SourceSecurityGroupName")
    if not block and not group_name:
        return []
    if group_name:
        pair = {"GroupName": group_name, "UserId": request.get("SourceSecurityGroupOwnerId", "")}
        # EC2 takes it as all traffic from the group, whatever else is said.
        return list(_parse_permission({"IpProtocol": ALL_PROTOCOLS, "UserIdGroupPairs": [pair]}))
    members = {member: request.get(member) for member in ("IpProtocol", "FromPort", "ToPort")}
    return list(_parse_permission({**members, "IpRanges": [{"CidrIp": block}]}))


def _parse_ports(given: Mapping[str, Any]) -> tuple[str, int, int]:
    text = str(given.get("IpProtocol") or "").lower()
    if not text:
        raise MissingParameter("The request must contain the parameter ipProtocol")
    protocol = _NAMES.get(text, text)
    is_known = protocol in (*_WITH_PORTS, *_WITH_TYPES, ALL_PROTOCOLS)
    if not is_known and not (protocol.isascii() and protocol.isdecimal() and int(protocol) <= 255):
        raise InvalidParameterValue(f"Invalid value '{given.get('IpProtocol')}' for IP protocol. Unknown protocol.")
    from_port, to_port = given.get("FromPort"), given.get("ToPort")
    if protocol in _WITH_PORTS:
        return protocol, *_port_range(from_port, to_port)
    if protocol in _WITH_TYPES:
        return protocol, *_type_and_code(from_port, to_port)
    return protocol, -1, -1


def _port_range(first: int | None, last: int | None) -> tuple[int, int]:
    if first is None or last is None:
        raise InvalidParameterValue("Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.")
    if (first, last) == (-1, -1):
        return 0, 65535
    if not 0 <= first <= 65535 or not 0 <= last <= 65535 or first > last:
        raise InvalidParameterValue(f"Invalid TCP/UDP port range ({first}:{last})")
    return first, last


def _type_and_code(type_: int | None, code: int | None) -> tuple[int, int]:
    type_, code = -1 if type_ is None else type_, -1 if code is None else code
    if not -1 <= type_ <= 255 or not -1 <= code <= 255:
        raise InvalidParameterValue(f"ICMP type ({type_}) or code ({code}) is out of range")
    return type_, code


def _block4(text: str) -> str:
    block = parse_block(text)
    if block is None:
        raise InvalidParameterValue(f"CIDR block {text} is malformed")
    return str(block)


def _block6(text: str) -> str:
    block = parse_block6(text)
    if block is None:
        raise InvalidParameterValue(f"CIDR block {text} is malformed")
    return block


def _description(given: Mapping[str, Any]) -> str:
    text = given.get("Description") or ""
    if len(text) > _MAX_DESCRIPTION_LENGTH:
        raise InvalidParameterValue(f"Rule description exceeds {_MAX_DESCRIPTION_LENGTH} characters")
    return str(text)
