"""What all resources have in common: filters, pages and tags; and the places they are in."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_api.core.errors import AwsError
from aws_api.services.ec2.addresses import random_free
from aws_api.services.ec2.filters import FilterTable

Refused = Callable[..., Any]
TABLE = FilterTable({"name": "Name", "port": "Rules.Port", "open": "Open"})
SHAPES = [
    {"Name": "web-1", "Rules": [{"Port": 80}, {"Port": 443}], "Open": True, "Tags": [{"Key": "team", "Value": "a*"}]},
    {"Name": "web-2", "Rules": [], "Open": False, "Tags": []},
    {"Name": "db?1", "Rules": [{"Port": 5432}]},
]


def passing(*filters: tuple[str, list[str]]) -> list[str]:
    wanted = TABLE.predicate([{"Name": name, "Values": values} for name, values in filters])
    return [str(shape["Name"]) for shape in SHAPES if wanted(shape)]


def test_values_are_alternatives_and_filters_must_all_hold() -> None:
    assert passing(("name", ["web-1", "db?1"])) == ["web-1", "db?1"]
    assert passing(("name", ["web-*"]), ("open", ["true"])) == ["web-1"]
    assert passing() == ["web-1", "web-2", "db?1"]
    assert passing(("name", [])) == []


def test_wildcards_stand_for_characters_unless_escaped() -> None:
    assert passing(("name", ["web-?"])) == ["web-1", "web-2"]
    assert passing(("name", ["db\\?1"])) == ["db?1"]
    assert passing(("tag:team", ["a\\*"])) == ["web-1"]
    assert passing(("tag:team", ["a"])) == []


def test_filters_look_into_lists_and_tags() -> None:
    assert passing(("port", ["443"])) == ["web-1"]
    assert passing(("tag-key", ["team"])) == ["web-1"]


def test_an_unknown_filter_is_refused() -> None:
    with pytest.raises(AwsError, match="The filter 'colour' is invalid"):
        passing(("colour", ["red"]))


@given(st.lists(st.integers(0, 30)), st.integers(1, 10), st.integers(0, 15))
def test_a_random_free_number_is_free_and_found_whenever_there_is_one(taken: list[int], first: int, more: int) -> None:
    last = first + more
    number = random_free(taken, first, last)
    free = set(range(first, last + 1)) - set(taken)
    assert number in free if free else number is None


def test_an_unknown_filter_is_refused_on_the_wire(ec2: Any, refused: Refused) -> None:
    with refused("InvalidParameterValue", "The filter 'colour' is invalid"):
        ec2.describe_vpcs(Filters=[{"Name": "colour", "Values": ["red"]}])


def test_pages_follow_one_another_while_resources_come_and_go(ec2: Any) -> None:
    made = [ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"] for _ in range(12)]
    first = ec2.describe_internet_gateways(MaxResults=5)
    ec2.delete_internet_gateway(InternetGatewayId=made[0])
    second = ec2.describe_internet_gateways(MaxResults=5, NextToken=first["NextToken"])
    third = ec2.describe_internet_gateways(MaxResults=5, NextToken=second["NextToken"])
    assert "NextToken" not in third
    pages = [[one["InternetGatewayId"] for one in page["InternetGateways"]] for page in (first, second, third)]
    assert [len(page) for page in pages] == [5, 5, 3]
    found = [gateway_id for page in pages for gateway_id in page]
    assert found[1:] == made  # the default VPC's comes first


def test_bad_pages_are_refused(ec2: Any, refused: Refused, vpc_id: str) -> None:
    with refused("InvalidNextToken"):
        ec2.describe_vpcs(NextToken="nonsense")
    with refused("InvalidParameterCombination", "The parameter vpcIds cannot be used with the parameter maxResults"):
        ec2.describe_vpcs(VpcIds=[vpc_id], MaxResults=10)


def test_resources_are_tagged_when_made_and_later(ec2: Any) -> None:
    specification = {"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "main"}, {"Key": "team", "Value": "a"}]}
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=[specification])["Vpc"]["VpcId"]
    ec2.create_tags(Resources=[vpc_id], Tags=[{"Key": "team", "Value": "b"}, {"Key": "new", "Value": ""}])

    def tags() -> dict[str, str]:
        (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["main"]}])["Vpcs"]
        return {tag["Key"]: tag["Value"] for tag in vpc["Tags"]}

    assert tags() == {"Name": "main", "team": "b", "new": ""}
    ec2.delete_tags(Resources=[vpc_id], Tags=[{"Key": "team", "Value": "a"}, {"Key": "new"}])
    assert tags() == {"Name": "main", "team": "b"}
    described = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [vpc_id]}])["Tags"]
    assert [(tag["Key"], tag["ResourceType"]) for tag in described] == [("Name", "vpc"), ("team", "vpc")]


def test_tags_that_may_not_be_are_refused(ec2: Any, refused: Refused, vpc_id: str) -> None:
    with refused("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use"):
        ec2.create_tags(Resources=[vpc_id], Tags=[{"Key": "aws:mine", "Value": ""}])
    with refused("TagLimitExceeded"):
        ec2.create_tags(Resources=[vpc_id], Tags=[{"Key": str(number), "Value": ""} for number in range(51)])
    with refused("InvalidID", "The ID 'nonsense' is not valid"):
        ec2.create_tags(Resources=["nonsense"], Tags=[{"Key": "a", "Value": ""}])
    with refused("InvalidParameterValue", "'subnet' is not a valid taggable resource type for this operation."):
        ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "subnet", "Tags": []}])


def test_zones_have_names_and_ids(ec2: Any, refused: Refused) -> None:
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    assert [(zone["ZoneName"], zone["ZoneId"]) for zone in zones] == [
        (f"us-east-1{letter}", f"use1-az{number}") for number, letter in enumerate("abcdef", 1)
    ]
    assert all(zone["State"] == "available" for zone in zones)
    filters = [{"Name": "zone-id", "Values": ["use1-az2"]}]
    (zone,) = ec2.describe_availability_zones(Filters=filters)["AvailabilityZones"]
    assert zone["ZoneName"] == "us-east-1b"
    with refused("InvalidParameterValue", "Invalid availability zone: [us-east-1z]"):
        ec2.describe_availability_zones(ZoneNames=["us-east-1z"])


def test_regions_are_awss(ec2: Any, refused: Refused) -> None:
    names = [region["RegionName"] for region in ec2.describe_regions()["Regions"]]
    assert {"us-east-1", "eu-central-1", "ap-southeast-2"} <= set(names)
    assert "aws-global" not in names
    (region,) = ec2.describe_regions(RegionNames=["eu-west-1"])["Regions"]
    assert region["Endpoint"] == "ec2.eu-west-1.amazonaws.com"
    with refused("InvalidParameterValue", "Invalid region name: 'mars-1'"):
        ec2.describe_regions(RegionNames=["mars-1"])


def test_account_attributes_name_the_default_vpc(ec2: Any) -> None:
    answer = ec2.describe_account_attributes(AttributeNames=["default-vpc"])["AccountAttributes"]
    (vpc,) = ec2.describe_vpcs()["Vpcs"]
    assert answer == [{"AttributeName": "default-vpc", "AttributeValues": [{"AttributeValue": vpc["VpcId"]}]}]
