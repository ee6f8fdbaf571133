"""What the console lists of EC2."""

from typing import Any

from aws_api.core.resources import resource_types


def test_each_kind_is_listed_with_its_columns(ec2: Any, account: Any, vpc_id: str, subnet_id: str) -> None:
    ec2.allocate_address()
    ec2.create_nat_gateway(SubnetId=subnet_id, ConnectivityType="private")
    ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName="com.amazonaws.us-east-1.s3")
    other_id = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    ec2.create_vpc_peering_connection(VpcId=vpc_id, PeerVpcId=other_id)
    types = [each for each in resource_types() if each.service == "ec2"]
    assert len(types) == 12
    for each in types:
        rows = list(each.list(account.account_id, "us-east-1"))
        assert rows, each.name
        assert set(each.columns) - set(rows[0]) <= {"NetworkInterfaceId", "PrivateIpAddress", "Version"}, each.name
