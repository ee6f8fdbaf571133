"""The kernel's view of policies: what a VPC's gateway is told (sidecar/configuration.py), in nftables' words. Pure.

Rules are without their verdict: who puts them into force adds it. A group that a rule names is a set: ``@sg_0abc``.
"""

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, collapse_addresses
from typing import Any

from aws_api.services.ec2.filtering import routes
from aws_api.services.ec2.filtering.policies import (
    EVERYWHERE,
    AclEntry,
    GroupRule,
    Interface,
    Policies,
    RouteLine,
    Subnet,
    Way,
)


def gateway_policies(
    policies: Policies, vpc_id: str, *, peer_gateways: Mapping[str, str], tokens: Mapping[str, str]
) -> dict[str, Any]:
    """What of the policies concerns one VPC's gateway, as JSON.

    ``peer_gateways`` are the uplink addresses of peered VPCs' gateways, by VPC: those that have one are reached.
    ``tokens`` are what interfaces show when they ask for their filters, by interface.
    """
    subnets = [subnet for subnet in policies.subnets.values() if subnet.vpc_id == vpc_id]
    own = {subnet.subnet_id for subnet in subnets}
    interfaces = [interface for interface in policies.interfaces.values() if interface.subnet_id in own]
    served = [interface for interface in interfaces if interface.has_namespace]
    endpoints = [interface for interface in interfaces if interface.is_endpoint]
    filters = {_filter_name(interface): interface_filter(policies, interface) for interface in served}
    endpoint_filters = [interface_filter(policies, interface) for interface in endpoints]
    named = {group for each in (*filters.values(), *endpoint_filters) for group in each["groups"]}
    tables = {subnet.table_id: routes.ranges(policies, policies.tables[subnet.table_id]) for subnet in subnets}
    lines = [each.line for ranges in tables.values() for each in ranges]
    acls = {subnet.acl_id for subnet in subnets} | {
        policies.subnets[gateway.subnet_id].acl_id
        for gateway in policies.nat_gateways.values()
        if gateway.subnet_id in own
    }
    return {
        "subnets": [_subnet(subnet) for subnet in sorted(subnets, key=lambda subnet: subnet.block)],
        "tables": {
            table_id: [[str(each), each.line.target] for each in ranges if each.line.way is not Way.NOWHERE]
            for table_id, ranges in sorted(tables.items())
        },
        "ways": {
            line.target: way
            for line in sorted(lines, key=lambda line: line.target)
            if (way := _way(policies, vpc_id, line, peer_gateways)) is not None
        },
        "peers": [
            {"gateway": peer_gateways[other], "cidrs": sorted(map(str, policies.vpcs[other].blocks))}
            for other in sorted(
                peering.other(vpc_id) for peering in policies.peerings.values() if vpc_id in peering.vpc_ids
            )
            if other in peer_gateways
        ],
        "acls": {acl_id: _acl(policies.acls[acl_id].entries) for acl_id in sorted(acls)},
        "public_addresses": _addresses(
            interface.address for interface in interfaces if interface.public_address is not None
        ),
        "groups": {set_name(group): _addresses(policies.members(group, vpc_id)) for group in sorted(named)},
        "filters": {name: _set_names(each) for name, each in sorted(filters.items())},
        "interfaces": {
            interface.interface_id: {
                "address": str(interface.address),
                "token": tokens[interface.interface_id],
                "filter": _filter_name(interface),
            }
            for interface in sorted(served, key=lambda interface: interface.interface_id)
        },
        "endpoints": [
            {"address": str(interface.address), "ingress": each["ingress"]}
            for interface, each in zip(endpoints, endpoint_filters, strict=True)
        ],
    }


def interface_filter(policies: Policies, interface: Interface) -> dict[str, list[str]]:
    """The rules of an interface's groups, each direction's in a stable order, and the groups that they name."""
    rules = policies.rules_of(interface)
    return {
        "ingress": _distinct(_group_rule(rule) for rule in rules if not rule.is_egress),
        "egress": _distinct(_group_rule(rule) for rule in rules if rule.is_egress),
        "groups": sorted({rule.referenced_group for rule in rules if rule.referenced_group}),
    }


def set_name(group_id: str) -> str:
    """The name of the set of a group's addresses; of another account's group, ``sg_1_210987654321``."""
    return re.sub(r"\W", "_", group_id)


def _filter_name(interface: Interface) -> str:
    """Interfaces with the same groups share a filter."""
    return "+".join(sorted(interface.group_ids))


def _set_names(each: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {**each, "groups": [set_name(group) for group in each["groups"]]}


def _group_rule(rule: GroupRule) -> str | None:
    side = "daddr" if rule.is_egress else "saddr"
    if rule.referenced_group:
        return _joined(f"ip {side} @{set_name(rule.referenced_group)}", rule.match.nft)
    # A prefix list may be empty.
    return _joined(_blocks(side, rule.blocks), rule.match.nft) if rule.blocks else None


def _acl(entries: Iterable[AclEntry]) -> dict[str, list[list[Any]]]:
    found: dict[str, list[list[Any]]] = {"ingress": [], "egress": []}
    for entry in entries:
        side, name = ("daddr", "egress") if entry.is_egress else ("saddr", "ingress")
        found[name].append([_joined(_blocks(side, (entry.block,)), entry.match.nft), entry.is_allowed])
    return found


def _subnet(subnet: Subnet) -> dict[str, Any]:
    return {
        "gateway_address": str(subnet.block[1]),
        "prefix_length": subnet.block.prefixlen,
        "table": subnet.table_id,
        "acl": subnet.acl_id,
    }


def _way(policies: Policies, vpc_id: str, line: RouteLine, peer_gateways: Mapping[str, str]) -> dict[str, Any] | None:
    """How the gateway takes a way; None where there is none at the moment."""
    match line.way:
        case Way.NOWHERE:
            return None
        case Way.NAT:
            subnet = policies.subnets[policies.nat_gateways[line.target].subnet_id]
            return {"kind": line.way.value, "acl": subnet.acl_id}
        case Way.PEERING:
            gateway = peer_gateways.get(policies.peerings[line.target].other(vpc_id))
            return {"kind": line.way.value, "gateway": gateway} if gateway else None
        case _:
            return {"kind": line.way.value}


def _blocks(side: str, blocks: tuple[IPv4Network, ...]) -> str:
    if blocks == (EVERYWHERE,):
        return "meta nfproto ipv4"
    if len(blocks) == 1:
        return f"ip {side} {blocks[0]}"
    # Blocks of a list may overlap, which a set's may not.
    merged = collapse_addresses(blocks)
    return f"ip {side} {{ {', '.join(map(str, merged))} }}"


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _distinct(rules: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(rule for rule in rules if rule is not None))


def _addresses(addresses: Iterable[IPv4Address]) -> list[str]:
    return [str(address) for address in sorted(set(addresses))]
