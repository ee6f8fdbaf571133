"""VPC endpoints and the services they lead to, as AWS's shapes."""

from collections.abc import Sequence
from typing import cast

from aws_api.services.ec2 import shapes
from aws_api.services.ec2.describe.tags import describe_tags
from aws_api.services.ec2.endpoint_services import (
    INTERFACE,
    PUBLIC_ZONE_ID,
    EndpointService,
    private_names,
    private_zone_id,
    regional_name,
    zonal_name,
)
from aws_api.services.ec2.models import NetworkInterface, VpcEndpoint
from aws_api.services.ec2.zones import zones_of


def describe_vpc_endpoint(endpoint: VpcEndpoint) -> shapes.VpcEndpoint:
    is_interface = endpoint.endpoint_type == INTERFACE
    interfaces = sorted(endpoint.interfaces.all(), key=lambda row: row.pk) if is_interface else []
    groups = sorted(endpoint.security_groups.all(), key=lambda row: row.pk)
    options = endpoint.document.get("DnsOptions", {})
    shape: shapes.VpcEndpoint = {
        "VpcEndpointId": endpoint.resource_id,
        "VpcEndpointType": cast(shapes.VpcEndpointType, endpoint.endpoint_type),
        "VpcId": endpoint.vpc.resource_id,
        "ServiceName": endpoint.service_name,
        # AWS writes the states of these two kinds of endpoint differently from what its model says.
        "State": cast(shapes.State, "available"),
        "PolicyDocument": endpoint.policy_document,
        "RouteTableIds": [table.resource_id for table in sorted(endpoint.route_tables.all(), key=lambda row: row.pk)],
        "SubnetIds": [interface.subnet.resource_id for interface in interfaces],
        "Groups": [{"GroupId": group.resource_id, "GroupName": group.group_name} for group in groups],
        "PrivateDnsEnabled": endpoint.private_dns_enabled,
        "RequesterManaged": False,
        "NetworkInterfaceIds": [interface.resource_id for interface in interfaces],
        "DnsEntries": _dns_entries(endpoint, interfaces),
        "CreationTimestamp": endpoint.created_at,
        "OwnerId": endpoint.account_id,
        "Tags": describe_tags(endpoint.tags),
    }
    if is_interface:
        shape["IpAddressType"] = "ipv4"
        shape["DnsOptions"] = {"DnsRecordIpType": options.get("DnsRecordIpType", "ipv4")}
        if "PrivateDnsOnlyForInboundResolverEndpoint" in options:
            shape["DnsOptions"]["PrivateDnsOnlyForInboundResolverEndpoint"] = options[
                "PrivateDnsOnlyForInboundResolverEndpoint"
            ]
    return shape


def describe_endpoint_service(service: EndpointService, region: str) -> shapes.ServiceDetail:
    shape: shapes.ServiceDetail = {
        "ServiceName": service.name,
        "ServiceId": service.service_id,
        "ServiceType": [{"ServiceType": cast(shapes.ServiceType, service.type)}],
        "ServiceRegion": region,
        "AvailabilityZones": [zone.name for zone in zones_of(region)],
        "Owner": "amazon",
        "BaseEndpointDnsNames": [service.base_name],
        "VpcEndpointPolicySupported": True,
        "AcceptanceRequired": False,
        "ManagesVpcEndpoints": False,
        "SupportedIpAddressTypes": ["ipv4"],
        "Tags": [],
    }
    if service.private_names:
        shape["PrivateDnsName"] = service.private_names[0]
        shape["PrivateDnsNames"] = [{"PrivateDnsName": name} for name in service.private_names]
        shape["PrivateDnsNameVerificationState"] = "verified"
    return shape


def _dns_entries(endpoint: VpcEndpoint, interfaces: Sequence[NetworkInterface]) -> list[shapes.DnsEntry]:
    if not interfaces:
        return []
    place = (endpoint.resource_id, endpoint.service_name, endpoint.region)
    zones = [interface.subnet.availability_zone for interface in interfaces]
    names = [regional_name(*place), *(zonal_name(*place, zone) for zone in zones)]
    entries: list[shapes.DnsEntry] = [{"DnsName": name, "HostedZoneId": PUBLIC_ZONE_ID} for name in names]
    if endpoint.private_dns_enabled:
        entries += [
            {"DnsName": name, "HostedZoneId": private_zone_id(endpoint.resource_id)}
            for name in private_names(endpoint.region, endpoint.service_name)
        ]
    return entries
