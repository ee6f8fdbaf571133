"""Rows of EC2 as AWS's shapes."""

from collections.abc import Iterable, Mapping
from typing import Any, NotRequired, TypedDict, cast

from aws_api.core.sidecars import private_dns_name
from aws_api.services.ec2 import shapes
from aws_api.services.ec2.addresses import usable_count
from aws_api.services.ec2.models import (
    DhcpOptions,
    InternetGateway,
    NetworkAcl,
    NetworkAclEntry,
    NetworkInterface,
    Route,
    RouteTable,
    RouteTableAssociation,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    Vpc,
    VpcCidrAssociation,
)
from aws_api.services.ec2.zones import find_zone, public_domain

#: Who owns the instances that AWS's own services attach interfaces to.
_SERVICE_OWNER = "amazon-aws"
#: The line that AWS shows at the end of every network ACL.
LAST_RULE_NUMBER = 32767


class _Described(TypedDict):
    Description: NotRequired[str]


def describe_tags(tags: Mapping[str, str]) -> list[shapes.Tag]:
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]


def describe_vpc(vpc: Vpc) -> shapes.Vpc:
    return {
        "VpcId": vpc.resource_id,
        "OwnerId": vpc.account_id,
        "State": "available",
        "CidrBlock": vpc.cidr_block,
        "CidrBlockAssociationSet": [describe_cidr_association(row) for row in vpc.cidr_associations.all()],
        "DhcpOptionsId": vpc.dhcp_options.resource_id if vpc.dhcp_options else "default",
        "InstanceTenancy": cast(shapes.Tenancy, vpc.instance_tenancy),
        "IsDefault": vpc.is_default,
        "BlockPublicAccessStates": {"InternetGatewayBlockMode": "off"},
        "Tags": describe_tags(vpc.tags),
    }


def describe_cidr_association(
    association: VpcCidrAssociation, state: shapes.VpcCidrBlockStateCode = "associated"
) -> shapes.VpcCidrBlockAssociation:
    return {
        "AssociationId": association.association_id,
        "CidrBlock": association.cidr_block,
        "CidrBlockState": {"State": state},
    }


def describe_subnet(subnet: Subnet) -> shapes.Subnet:
    """``subnet.used``, where the query counted it, saves a query."""
    zone = find_zone(subnet.region, name=subnet.availability_zone)
    used = getattr(subnet, "used", None)
    return {
        "SubnetId": subnet.resource_id,
        "SubnetArn": subnet.arn,
        "OwnerId": subnet.account_id,
        "VpcId": subnet.vpc.resource_id,
        "State": "available",
        "CidrBlock": subnet.cidr_block,
        "AvailableIpAddressCount": usable_count(subnet.cidr_block)
        - (subnet.private_addresses.count() if used is None else used),
        "AvailabilityZone": subnet.availability_zone,
        "AvailabilityZoneId": zone.zone_id if zone else "",
        "DefaultForAz": subnet.default_for_az,
        "MapPublicIpOnLaunch": subnet.map_public_ip_on_launch,
        "MapCustomerOwnedIpOnLaunch": False,
        "AssignIpv6AddressOnCreation": False,
        "Ipv6CidrBlockAssociationSet": [],
        "EnableDns64": False,
        "Ipv6Native": False,
        "PrivateDnsNameOptionsOnLaunch": {
            "HostnameType": "ip-name",
            "EnableResourceNameDnsARecord": False,
            "EnableResourceNameDnsAAAARecord": False,
        },
        "BlockPublicAccessStates": {"InternetGatewayBlockMode": "off"},
        "Tags": describe_tags(subnet.tags),
    }


def describe_security_group(group: SecurityGroup) -> shapes.SecurityGroup:
    rules = sorted(group.rules.all(), key=lambda rule: rule.pk)
    return {
        "GroupId": group.resource_id,
        "GroupName": group.group_name,
        "Description": group.description,
        "OwnerId": group.account_id,
        "VpcId": group.vpc.resource_id,
        "SecurityGroupArn": group.arn,
        "IpPermissions": describe_permissions(rule for rule in rules if not rule.is_egress),
        "IpPermissionsEgress": describe_permissions(rule for rule in rules if rule.is_egress),
        "Tags": describe_tags(group.tags),
    }


def describe_permissions(rules: Iterable[SecurityGroupRule]) -> list[shapes.IpPermission]:
    """Rules as AWS groups them: one permission per protocol and ports, with all its peers."""
    permissions: dict[tuple[str, int, int], shapes.IpPermission] = {}
    for rule in rules:
        key = (rule.ip_protocol, rule.from_port, rule.to_port)
        if key not in permissions:
            permissions[key] = {
                "IpProtocol": rule.ip_protocol,
                "IpRanges": [],
                "Ipv6Ranges": [],
                "PrefixListIds": [],
                "UserIdGroupPairs": [],
            }
            if rule.ip_protocol != "-1":
                permissions[key] |= {"FromPort": rule.from_port, "ToPort": rule.to_port}
        permission = permissions[key]
        # Absent where the rule has none: Terraform tells an empty description from none.
        described: _Described = {"Description": rule.description} if rule.description else {}
        if rule.cidr_ipv4:
            permission["IpRanges"].append({"CidrIp": rule.cidr_ipv4, **described})
        elif rule.cidr_ipv6:
            permission["Ipv6Ranges"].append({"CidrIpv6": rule.cidr_ipv6, **described})
        else:
            assert rule.referenced_group is not None
            pair: shapes.UserIdGroupPair = {"GroupId": rule.referenced_group.resource_id, "UserId": rule.account_id}
            permission["UserIdGroupPairs"].append({**pair, **described})
    return list(permissions.values())


def describe_security_group_rule(rule: SecurityGroupRule) -> shapes.SecurityGroupRule:
    shape: shapes.SecurityGroupRule = {
        "SecurityGroupRuleId": rule.resource_id,
        "SecurityGroupRuleArn": rule.arn,
        "GroupId": rule.group.resource_id,
        "GroupOwnerId": rule.account_id,
        "IsEgress": rule.is_egress,
        "IpProtocol": rule.ip_protocol,
        "FromPort": rule.from_port,
        "ToPort": rule.to_port,
        "Tags": describe_tags(rule.tags),
    }
    if rule.description:
        shape["Description"] = rule.description
    if rule.cidr_ipv4:
        shape["CidrIpv4"] = rule.cidr_ipv4
    elif rule.cidr_ipv6:
        shape["CidrIpv6"] = rule.cidr_ipv6
    else:
        assert rule.referenced_group is not None
        shape["ReferencedGroupInfo"] = {"GroupId": rule.referenced_group.resource_id, "UserId": rule.account_id}
    return shape


def describe_network_interface(interface: NetworkInterface) -> shapes.NetworkInterface:
    subnet = interface.subnet
    zone = find_zone(interface.region, name=subnet.availability_zone)
    address = interface.private_address
    association = _public_association(interface)
    shape: shapes.NetworkInterface = {
        "NetworkInterfaceId": interface.resource_id,
        "OwnerId": interface.account_id,
        "VpcId": interface.vpc.resource_id,
        "SubnetId": subnet.resource_id,
        "AvailabilityZone": subnet.availability_zone,
        "AvailabilityZoneId": zone.zone_id if zone else "",
        "Description": interface.description,
        "Groups": [
            {"GroupId": group.resource_id, "GroupName": group.group_name}
            for group in sorted(interface.groups.all(), key=lambda group: group.pk)
        ],
        "InterfaceType": cast(shapes.NetworkInterfaceType, interface.interface_type),
        "Ipv6Addresses": [],
        "MacAddress": interface.mac_address,
        "PrivateDnsName": private_dns_name(address, interface.region),
        "PrivateIpAddress": address,
        "PrivateIpAddresses": [
            {
                "Primary": row.primary,
                "PrivateIpAddress": str(row.address),
                "PrivateDnsName": private_dns_name(str(row.address), interface.region),
                **({"Association": association} if association and row.primary else {}),
            }
            for row in sorted(interface.private_addresses.all(), key=lambda row: (not row.primary, row.pk))
        ],
        "RequesterManaged": interface.is_requester_managed,
        "SourceDestCheck": interface.source_dest_check,
        "Status": "in-use" if interface.in_use else "available",
        "TagSet": describe_tags(interface.tags),
    }
    if interface.requester_id:
        shape["RequesterId"] = interface.requester_id
    if association:
        shape["Association"] = association
    if interface.in_use:
        shape["Attachment"] = describe_attachment(interface)
    return shape


def describe_attachment(interface: NetworkInterface) -> shapes.NetworkInterfaceAttachment:
    """How an interface in use is attached: to a container that a service of AWS's runs."""
    return {
        "AttachmentId": interface.attachment_id,
        "AttachTime": interface.created_at,
        "DeleteOnTermination": False,
        "DeviceIndex": 1,
        "NetworkCardIndex": 0,
        "InstanceOwnerId": _SERVICE_OWNER,
        "Status": "attached",
    }


def describe_route_table(table: RouteTable) -> shapes.RouteTable:
    vpc = table.vpc
    local: list[shapes.Route] = [
        {
            "DestinationCidrBlock": block.cidr_block,
            "GatewayId": "local",
            "Origin": "CreateRouteTable",
            "State": "active",
        }
        for block in vpc.cidr_associations.all()
    ]
    gateway = getattr(vpc, "internet_gateway", None)
    return {
        "RouteTableId": table.resource_id,
        "VpcId": vpc.resource_id,
        "OwnerId": table.account_id,
        "Associations": [describe_route_table_association(row, table) for row in table.associations.all()],
        "PropagatingVgws": [],
        "Routes": local + [_describe_route(row, gateway) for row in table.routes.all()],
        "Tags": describe_tags(table.tags),
    }


def describe_route_table_association(
    association: RouteTableAssociation, table: RouteTable
) -> shapes.RouteTableAssociation:
    shape: shapes.RouteTableAssociation = {
        "RouteTableAssociationId": association.association_id,
        "RouteTableId": table.resource_id,
        "Main": association.is_main,
        "AssociationState": {"State": "associated"},
    }
    if association.subnet is not None:
        shape["SubnetId"] = association.subnet.resource_id
    if association.gateway is not None:
        shape["GatewayId"] = association.gateway.resource_id
    return shape


def describe_internet_gateway(gateway: InternetGateway) -> shapes.InternetGateway:
    # The model names only states of being attached; EC2 answers "available" for a gateway that is.
    attachments: Any = [{"VpcId": gateway.vpc.resource_id, "State": "available"}] if gateway.vpc else []
    return {
        "InternetGatewayId": gateway.resource_id,
        "OwnerId": gateway.account_id,
        "Attachments": attachments,
        "Tags": describe_tags(gateway.tags),
    }


def describe_network_acl(acl: NetworkAcl) -> shapes.NetworkAcl:
    return {
        "NetworkAclId": acl.resource_id,
        "VpcId": acl.vpc.resource_id,
        "OwnerId": acl.account_id,
        "IsDefault": acl.is_default,
        "Entries": _describe_entries(acl),
        "Associations": [
            {
                "NetworkAclAssociationId": row.association_id,
                "NetworkAclId": acl.resource_id,
                "SubnetId": row.subnet.resource_id,
            }
            for row in acl.associations.all()
        ],
        "Tags": describe_tags(acl.tags),
    }


def describe_network_acl_entry(entry: NetworkAclEntry) -> shapes.NetworkAclEntry:
    shape: shapes.NetworkAclEntry = {
        "Egress": entry.is_egress,
        "Protocol": entry.protocol,
        "RuleAction": "allow" if entry.is_allow else "deny",
        "RuleNumber": entry.rule_number,
    }
    if entry.cidr_ipv4:
        shape["CidrBlock"] = entry.cidr_ipv4
    else:
        shape["Ipv6CidrBlock"] = entry.cidr_ipv6
    if entry.from_port is not None and entry.to_port is not None:
        shape["PortRange"] = {"From": entry.from_port, "To": entry.to_port}
    if entry.icmp_type is not None and entry.icmp_code is not None:
        shape["IcmpTypeCode"] = {"Type": entry.icmp_type, "Code": entry.icmp_code}
    return shape


def describe_dhcp_options(options: DhcpOptions) -> shapes.DhcpOptions:
    return {
        "DhcpOptionsId": options.resource_id,
        "OwnerId": options.account_id,
        "DhcpConfigurations": [
            {"Key": key, "Values": [{"Value": value} for value in values]} for key, values in options.options.items()
        ],
        "Tags": describe_tags(options.tags),
    }


def _describe_entries(acl: NetworkAcl) -> list[shapes.NetworkAclEntry]:
    entries = [describe_network_acl_entry(row) for row in acl.entries.all()]
    entries += [
        {
            "CidrBlock": "0.0.0.0/0",
            "Egress": is_egress,
            "Protocol": "-1",
            "RuleAction": "deny",
            "RuleNumber": LAST_RULE_NUMBER,
        }
        for is_egress in (True, False)
    ]
    return sorted(entries, key=lambda entry: (not entry["Egress"], entry["RuleNumber"]))


def _public_association(interface: NetworkInterface) -> shapes.NetworkInterfaceAssociation | None:
    address = interface.public_address
    if address is None:
        return None
    association: shapes.NetworkInterfaceAssociation = {"IpOwnerId": "amazon", "PublicIp": address}
    if interface.vpc.enable_dns_hostnames:
        name = f"ec2-{address.replace('.', '-')}.{public_domain(interface.region)}"
        association["PublicDnsName"] = name
    return association


def _describe_route(route: Route, gateway: InternetGateway | None) -> shapes.Route:
    is_ipv6 = ":" in route.destination
    destination = "DestinationIpv6CidrBlock" if is_ipv6 else "DestinationCidrBlock"
    shape: Any = {
        destination: route.destination,
        route.target: route.target_id,
        "Origin": "CreateRoute",
        "State": "active" if _leads_somewhere(route, gateway) else "blackhole",
    }
    return cast(shapes.Route, shape)


def _leads_somewhere(route: Route, gateway: InternetGateway | None) -> bool:
    if route.target == "GatewayId":
        return gateway is not None and gateway.resource_id == route.target_id
    return NetworkInterface.objects.filter(
        account_id=route.route_table.account_id,
        region=route.route_table.region,
        resource_id=route.target_id,
    ).exists()
