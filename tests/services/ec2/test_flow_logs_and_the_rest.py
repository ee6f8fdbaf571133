"""Flow logs, egress-only gateways, interfaces' addresses and permissions, and what Simfra has none of."""

from typing import Any

import pytest

from tests.services.ec2.conftest import Refused

ROLE = "arn:aws:iam::123456789012:role/flow"
GROUP = "/vpc/flow"


@pytest.fixture
def interface_id(ec2: Any, subnet_id: str) -> str:
    """An interface 10.0.1.10 that nothing uses."""
    made: str = ec2.create_network_interface(SubnetId=subnet_id, PrivateIpAddress="10.0.1.10")["NetworkInterface"][
        "NetworkInterfaceId"
    ]
    return made


def addresses_of(ec2: Any, interface_id: str) -> list[str]:
    (interface,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface_id])["NetworkInterfaces"]
    return [each["PrivateIpAddress"] for each in interface["PrivateIpAddresses"]]


def test_a_flow_log_is_kept(ec2: Any, vpc_id: str, subnet_id: str, refused: Refused) -> None:
    request = {
        "ResourceType": "VPC",
        "TrafficType": "ALL",
        "LogGroupName": GROUP,
        "DeliverLogsPermissionArn": ROLE,
    }
    answer = ec2.create_flow_logs(ResourceIds=[vpc_id, "vpc-0"], **request)
    (flow_log_id,) = answer["FlowLogIds"]
    assert answer["Unsuccessful"][0]["Error"]["Code"] == "InvalidVpcID.NotFound"
    (found,) = ec2.describe_flow_logs(Filter=[{"Name": "resource-id", "Values": [vpc_id]}])["FlowLogs"]
    assert (found["FlowLogId"], found["FlowLogStatus"], found["LogGroupName"]) == (flow_log_id, "ACTIVE", GROUP)
    again = ec2.create_flow_logs(ResourceIds=[vpc_id], **request)["Unsuccessful"]
    assert again[0]["Error"]["Code"] == "FlowLogAlreadyExists"
    with refused("InvalidParameter"):
        ec2.create_flow_logs(ResourceIds=[subnet_id], ResourceType="Subnet", TrafficType="ALL", LogGroupName=GROUP)
    assert ec2.delete_flow_logs(FlowLogIds=[flow_log_id])["Unsuccessful"] == []
    (failed,) = ec2.delete_flow_logs(FlowLogIds=[flow_log_id])["Unsuccessful"]
    assert failed["Error"]["Code"] == "InvalidFlowLogId.NotFound"


def test_an_egress_only_gateway_holds_its_vpc(ec2: Any, vpc_id: str, refused: Refused) -> None:
    made = ec2.create_egress_only_internet_gateway(VpcId=vpc_id)["EgressOnlyInternetGateway"]
    assert made["Attachments"] == [{"State": "attached", "VpcId": vpc_id}]
    gateway_id = made["EgressOnlyInternetGatewayId"]
    assert len(ec2.describe_egress_only_internet_gateways()["EgressOnlyInternetGateways"]) == 1
    with refused("DependencyViolation"):
        ec2.delete_vpc(VpcId=vpc_id)
    assert ec2.delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=gateway_id)["ReturnCode"]
    ec2.delete_vpc(VpcId=vpc_id)


def test_an_interface_takes_and_gives_back_addresses(
    ec2: Any, subnet_id: str, interface_id: str, refused: Refused
) -> None:
    request = {"NetworkInterfaceId": interface_id}
    assigned = ec2.assign_private_ip_addresses(**request, PrivateIpAddresses=["10.0.1.20", "10.0.1.21"])
    assert assigned["AssignedPrivateIpAddresses"] == [
        {"PrivateIpAddress": "10.0.1.20"},
        {"PrivateIpAddress": "10.0.1.21"},
    ]
    more = ec2.assign_private_ip_addresses(**request, SecondaryPrivateIpAddressCount=2)
    assert len(more["AssignedPrivateIpAddresses"]) == 2
    assert len(addresses_of(ec2, interface_id)) == 5
    other_id = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"]
    with refused("InvalidIPAddress.InUse"):
        ec2.assign_private_ip_addresses(NetworkInterfaceId=other_id, PrivateIpAddresses=["10.0.1.20"])
    ec2.assign_private_ip_addresses(
        NetworkInterfaceId=other_id, PrivateIpAddresses=["10.0.1.20"], AllowReassignment=True
    )
    assert "10.0.1.20" in addresses_of(ec2, other_id)
    ec2.unassign_private_ip_addresses(**request, PrivateIpAddresses=["10.0.1.21"])
    assert len(addresses_of(ec2, interface_id)) == 3
    with refused("InvalidParameterValue"):
        ec2.unassign_private_ip_addresses(**request, PrivateIpAddresses=["10.0.1.10"])
    with refused("PrivateIpAddressLimitExceeded"):
        ec2.assign_private_ip_addresses(**request, SecondaryPrivateIpAddressCount=50)


def test_permissions_on_an_interface_are_given_and_taken(ec2: Any, interface_id: str, refused: Refused) -> None:
    request = {
        "NetworkInterfaceId": interface_id,
        "AwsAccountId": "123456789012",
        "Permission": "INSTANCE-ATTACH",
    }
    made = ec2.create_network_interface_permission(**request)["InterfacePermission"]
    assert made["PermissionState"]["State"] == "granted"
    with refused("InvalidPermission.Duplicate"):
        ec2.create_network_interface_permission(**request)
    permission_id = made["NetworkInterfacePermissionId"]
    assert len(ec2.describe_network_interface_permissions()["NetworkInterfacePermissions"]) == 1
    ec2.delete_network_interface_permission(NetworkInterfacePermissionId=permission_id)
    with refused("InvalidPermissionID.NotFound"):
        ec2.delete_network_interface_permission(NetworkInterfacePermissionId=permission_id)


def test_there_is_no_instance_to_attach_to(ec2: Any, interface_id: str, refused: Refused) -> None:
    with refused("InvalidInstanceID.NotFound", "The instance ID 'i-0123456789abcdef0' does not exist"):
        ec2.attach_network_interface(NetworkInterfaceId=interface_id, InstanceId="i-0123456789abcdef0", DeviceIndex=1)
    with refused("InvalidInstanceID.Malformed"):
        ec2.describe_instances(InstanceIds=["x"])
    with refused("InvalidAttachmentID.NotFound"):
        ec2.detach_network_interface(AttachmentId="eni-attach-0")
    assert ec2.describe_instances(Filters=[{"Name": "tag:Name", "Values": ["x"]}])["Reservations"] == []
    assert ec2.describe_images(Owners=["amazon"])["Images"] == []
    (found,) = ec2.describe_instance_types(InstanceTypes=["t3.micro"])["InstanceTypes"]
    assert found["MemoryInfo"]["SizeInMiB"] == 1024
    with refused("InvalidInstanceType"):
        ec2.describe_instance_types(InstanceTypes=["u-6tb1.metal"])


def test_a_managed_attachment_is_not_the_callers(ec2: Any, subnet_id: str, refused: Refused) -> None:
    nat_id = ec2.create_nat_gateway(SubnetId=subnet_id, ConnectivityType="private")["NatGateway"]["NatGatewayId"]
    (gateway,) = ec2.describe_nat_gateways(NatGatewayIds=[nat_id])["NatGateways"]
    interface_id = gateway["NatGatewayAddresses"][0]["NetworkInterfaceId"]
    (interface,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface_id])["NetworkInterfaces"]
    attachment_id = interface["Attachment"]["AttachmentId"]
    with refused("OperationNotPermitted", f"You are not allowed to manage '{attachment_id}' attachments."):
        ec2.detach_network_interface(AttachmentId=attachment_id)
    with refused("InvalidParameterValue", f"Network interface '{interface_id}' is currently in use."):
        ec2.delete_network_interface(NetworkInterfaceId=interface_id)
    with refused("AuthFailure"):
        ec2.assign_private_ip_addresses(NetworkInterfaceId=interface_id, SecondaryPrivateIpAddressCount=1)


def test_the_source_check_is_reset(ec2: Any, interface_id: str) -> None:
    ec2.modify_network_interface_attribute(NetworkInterfaceId=interface_id, SourceDestCheck={"Value": False})
    ec2.reset_network_interface_attribute(NetworkInterfaceId=interface_id, SourceDestCheck="true")
    (found,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface_id])["NetworkInterfaces"]
    assert found["SourceDestCheck"]


def test_what_vpcs_lack_is_told_as_off(ec2: Any, vpc_id: str) -> None:
    options = ec2.describe_vpc_block_public_access_options()["VpcBlockPublicAccessOptions"]
    assert options["InternetGatewayBlockMode"] == "off"
    assert ec2.describe_vpc_block_public_access_exclusions()["VpcBlockPublicAccessExclusions"] == []
    (link,) = ec2.describe_vpc_classic_link(VpcIds=[vpc_id])["Vpcs"]
    assert not link["ClassicLinkEnabled"]
    (names,) = ec2.describe_vpc_classic_link_dns_support(VpcIds=[vpc_id])["Vpcs"]
    assert not names["ClassicLinkDnsSupported"]
    (group,) = ec2.get_security_groups_for_vpc(VpcId=vpc_id)["SecurityGroupForVpcs"]
    assert (group["GroupName"], group["PrimaryVpcId"]) == ("default", vpc_id)
    assert ec2.describe_security_group_vpc_associations()["SecurityGroupVpcAssociations"] == []


def test_every_listing_knows_its_filters_and_bounds(ec2: Any, refused: Refused) -> None:
    for listing, member in (
        (ec2.describe_addresses, "Filters"),
        (ec2.describe_nat_gateways, "Filter"),
        (ec2.describe_vpc_peering_connections, "Filters"),
        (ec2.describe_vpc_endpoints, "Filters"),
        (ec2.describe_network_acls, "Filters"),
        (ec2.describe_managed_prefix_lists, "Filters"),
        (ec2.describe_flow_logs, "Filter"),
        (ec2.describe_egress_only_internet_gateways, "Filters"),
    ):
        with refused("InvalidParameterValue", "The filter 'nosuch' is invalid"):
            listing(**{member: [{"Name": "nosuch", "Values": ["x"]}]})
    for listing in (ec2.describe_vpc_endpoints, ec2.describe_flow_logs):
        for wrong in (4, 1001):
            with refused("InvalidParameterValue"):
                listing(MaxResults=wrong)
        with refused("InvalidNextToken"):
            listing(NextToken="nosuch")
