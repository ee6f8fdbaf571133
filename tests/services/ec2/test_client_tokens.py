"""A request that is repeated with its client token is answered as the first, and does nothing more."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from aws_api.services.ec2.tokens import forget_old_tokens
from tests.services.ec2.conftest import Refused


def test_a_repeated_request_is_answered_as_the_first(ec2: Any, vpc_id: str) -> None:
    first = ec2.create_route_table(VpcId=vpc_id, ClientToken="once")
    again = ec2.create_route_table(VpcId=vpc_id, ClientToken="once")
    assert first["RouteTable"] == again["RouteTable"]
    assert len(ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["RouteTables"]) == 2


def test_requests_at_the_same_time_are_one(ec2: Any, vpc_id: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: ec2.create_route_table(VpcId=vpc_id, ClientToken="once"), range(4)))
    assert len({answer["RouteTable"]["RouteTableId"] for answer in answers}) == 1


def test_times_survive_the_repetition(ec2: Any, vpc_id: str) -> None:
    service = "com.amazonaws.us-east-1.s3"
    first = ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName=service, ClientToken="once")
    again = ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName=service, ClientToken="once")
    assert first["VpcEndpoint"] == again["VpcEndpoint"]
    assert isinstance(again["VpcEndpoint"]["CreationTimestamp"], datetime)


def test_another_request_with_the_token_is_refused(ec2: Any, vpc_id: str, subnet_id: str, refused: Refused) -> None:
    ec2.create_network_interface(SubnetId=subnet_id, ClientToken="once")
    with refused("IdempotentParameterMismatch"):
        ec2.create_network_interface(SubnetId=subnet_id, Description="other", ClientToken="once")
    # Another operation's tokens are its own.
    ec2.create_network_acl(VpcId=vpc_id, ClientToken="once")


def test_a_refused_request_leaves_no_token(ec2: Any, subnet_id: str, refused: Refused) -> None:
    taken = ec2.create_network_interface(SubnetId=subnet_id)["NetworkInterface"]
    request = {"SubnetId": subnet_id, "PrivateIpAddress": taken["PrivateIpAddress"], "ClientToken": "once"}
    with refused("InvalidIPAddress.InUse"):
        ec2.create_network_interface(**request)
    ec2.delete_network_interface(NetworkInterfaceId=taken["NetworkInterfaceId"])
    ec2.create_network_interface(**request)


def test_a_dry_run_leaves_no_token(ec2: Any, vpc_id: str, refused: Refused) -> None:
    with refused("DryRunOperation"):
        ec2.create_route_table(VpcId=vpc_id, ClientToken="once", DryRun=True)
    ec2.create_route_table(VpcId=vpc_id, ClientToken="once")
    assert len(ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["RouteTables"]) == 2


def test_a_token_is_forgotten_after_a_day(ec2: Any, vpc_id: str) -> None:
    first = ec2.create_route_table(VpcId=vpc_id, ClientToken="once")
    forget_old_tokens(datetime.now(UTC) + timedelta(hours=25))
    again = ec2.create_route_table(VpcId=vpc_id, ClientToken="once")
    assert first["RouteTable"]["RouteTableId"] != again["RouteTable"]["RouteTableId"]
