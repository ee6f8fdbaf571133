"""The kinds of EC2 resource: how their ids begin, and how EC2 words that one does not exist. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of resource.

    ``name`` is the resource type of tags and ARNs. ``missing`` words that an id does not exist; ``missing_code`` and
    ``malformed_code`` are EC2's codes, the latter None where EC2 says of any nonsense just that it does not exist.
    ``missing_text`` is how EC2 words it where it does so unlike elsewhere; ``{}`` is the id.
    """

    name: str
    prefix: str
    noun: str
    missing_code: str
    malformed_code: str | None = None
    missing_text: str | None = None

    def matches(self, resource_id: str) -> bool:
        """Whether an id has this kind's form; ids that callers demand need not be hexadecimal."""
        return resource_id.startswith(f"{self.prefix}-") and len(resource_id) > len(self.prefix) + 1


VPC = Kind(name="vpc", prefix="vpc", noun="vpc ID", missing_code="InvalidVpcID.NotFound")
SUBNET = Kind(name="subnet", prefix="subnet", noun="subnet ID", missing_code="InvalidSubnetID.NotFound")
SECURITY_GROUP = Kind(
    name="security-group",
    prefix="sg",
    noun="security group",
    missing_code="InvalidGroup.NotFound",
    malformed_code="InvalidGroupId.Malformed",
)
SECURITY_GROUP_RULE = Kind(
    name="security-group-rule",
    prefix="sgr",
    noun="security group rule ID",
    missing_code="InvalidSecurityGroupRuleId.NotFound",
    malformed_code="InvalidSecurityGroupRuleId.Malformed",
)
NETWORK_INTERFACE = Kind(
    name="network-interface",
    prefix="eni",
    noun="networkInterface ID",
    missing_code="InvalidNetworkInterfaceID.NotFound",
    malformed_code="InvalidNetworkInterfaceId.Malformed",
)
ROUTE_TABLE = Kind(
    name="route-table",
    prefix="rtb",
    noun="routeTable ID",
    missing_code="InvalidRouteTableID.NotFound",
    malformed_code="InvalidRouteTableId.Malformed",
)
INTERNET_GATEWAY = Kind(
    name="internet-gateway",
    prefix="igw",
    noun="internetGateway ID",
    missing_code="InvalidInternetGatewayID.NotFound",
)
NETWORK_ACL = Kind(
    name="network-acl",
    prefix="acl",
    noun="networkAcl ID",
    missing_code="InvalidNetworkAclID.NotFound",
)
DHCP_OPTIONS = Kind(
    name="dhcp-options",
    prefix="dopt",
    noun="dhcpOption ID",
    missing_code="InvalidDhcpOptionID.NotFound",
)

NAT_GATEWAY = Kind(
    name="natgateway",
    prefix="nat",
    noun="NAT gateway",
    missing_code="NatGatewayNotFound",
    missing_text="The Nat Gateway {} was not found",
    malformed_code="NatGatewayMalformed",
)
ELASTIC_IP = Kind(
    name="elastic-ip", prefix="eipalloc", noun="allocation ID", missing_code="InvalidAllocationID.NotFound"
)
VPC_PEERING_CONNECTION = Kind(
    name="vpc-peering-connection",
    prefix="pcx",
    noun="vpcPeeringConnection ID",
    missing_code="InvalidVpcPeeringConnectionID.NotFound",
    malformed_code="InvalidVpcPeeringConnectionId.Malformed",
)
VPC_ENDPOINT = Kind(
    name="vpc-endpoint",
    prefix="vpce",
    noun="Vpc Endpoint Id",
    missing_code="InvalidVpcEndpointId.NotFound",
    malformed_code="InvalidVpcEndpointId.Malformed",
)
PREFIX_LIST = Kind(
    name="prefix-list",
    prefix="pl",
    noun="prefix list ID",
    missing_code="InvalidPrefixListID.NotFound",
    malformed_code="InvalidPrefixListId.Malformed",
)
EGRESS_ONLY_INTERNET_GATEWAY = Kind(
    name="egress-only-internet-gateway",
    prefix="eigw",
    noun="egressOnlyInternetGateway ID",
    missing_code="InvalidEgressOnlyInternetGatewayId.NotFound",
    malformed_code="InvalidEgressOnlyInternetGatewayId.Malformed",
)
NETWORK_INTERFACE_PERMISSION = Kind(
    name="network-interface-permission",
    prefix="eni-perm",
    noun="networkInterfacePermission ID",
    missing_code="InvalidPermissionID.NotFound",
)
FLOW_LOG = Kind(name="vpc-flow-log", prefix="fl", noun="flowLog ID", missing_code="InvalidFlowLogId.NotFound")

# What Simfra has none of: an id of these never exists.
INSTANCE = Kind(
    name="instance",
    prefix="i",
    noun="instance ID",
    missing_code="InvalidInstanceID.NotFound",
    malformed_code="InvalidInstanceID.Malformed",
)
TRANSIT_GATEWAY = Kind(
    name="transit-gateway",
    prefix="tgw",
    noun="transitGateway ID",
    missing_code="InvalidTransitGatewayID.NotFound",
)
