"""Load balancers through boto3."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws_api.core import host_ports
from aws_api.core.dns import VpcReference, zones_of
from aws_api.services.elbv2.changes import KIND


def code(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refused.value.response["Error"]["Code"])


def test_a_load_balancer_is_made_described_and_deleted(
    elbv2: Any, load_balancer: dict[str, Any], kicks: list[tuple[str, str]], subnets: list[str]
) -> None:
    arn = load_balancer["LoadBalancerArn"]
    assert re.fullmatch(r"arn:aws:elasticloadbalancing:us-east-1:\d{12}:loadbalancer/app/web/[0-9a-f]{16}", arn)
    assert re.fullmatch(r"web-\d+\.us-east-1\.elb\.amazonaws\.com", load_balancer["DNSName"])
    assert load_balancer["State"] == {"Code": "provisioning"}
    assert [zone["SubnetId"] for zone in load_balancer["AvailabilityZones"]] == subnets
    assert len(load_balancer["SecurityGroups"]) == 1
    assert (KIND, arn) in kicks
    assert elbv2.describe_load_balancers(Names=["web"])["LoadBalancers"] == [load_balancer]
    elbv2.delete_load_balancer(LoadBalancerArn=arn)
    elbv2.delete_load_balancer(LoadBalancerArn=arn)
    with pytest.raises(ClientError) as refused:
        elbv2.describe_load_balancers(LoadBalancerArns=[arn])
    assert code(refused) == "LoadBalancerNotFound"


def test_making_the_same_again_answers_what_is_there(
    elbv2: Any, load_balancer: dict[str, Any], subnets: list[str]
) -> None:
    (again,) = elbv2.create_load_balancer(Name="web", Subnets=subnets)["LoadBalancers"]
    assert again["LoadBalancerArn"] == load_balancer["LoadBalancerArn"]
    with pytest.raises(ClientError) as refused:
        elbv2.create_load_balancer(Name="web", Subnets=subnets, Scheme="internal")
    assert code(refused) == "DuplicateLoadBalancerName"


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"Name": "-bad"}, "ValidationError"),
        ({"Name": "x" * 33}, "ValidationError"),
        ({"Name": "one", "Subnets": ["subnet-none"]}, "SubnetNotFound"),
        ({"Name": "group", "SecurityGroups": ["sg-none"]}, "InvalidSecurityGroup"),
        ({"Name": "six", "IpAddressType": "dualstack"}, "InvalidConfigurationRequest"),
        ({"Name": "gateway", "Type": "gateway"}, "NotImplemented"),
    ],
)
def test_what_cannot_be_made_is_refused(
    elbv2: Any, subnets: list[str], request_: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ClientError) as refused:
        elbv2.create_load_balancer(**{"Subnets": subnets, **request_})
    assert code(refused) == expected


def test_an_application_load_balancer_needs_two_zones(elbv2: Any, subnets: list[str]) -> None:
    with pytest.raises(ClientError) as refused:
        elbv2.create_load_balancer(Name="one", Subnets=subnets[:1])
    assert code(refused) == "ValidationError"
    (network,) = elbv2.create_load_balancer(Name="one", Subnets=subnets[:1], Type="network")["LoadBalancers"]
    assert network["DNSName"].endswith(".elb.us-east-1.amazonaws.com")
    assert "SecurityGroups" not in network


def test_deletion_protection_protects(elbv2: Any, load_balancer: dict[str, Any]) -> None:
    arn = load_balancer["LoadBalancerArn"]
    protection = {"Key": "deletion_protection.enabled", "Value": "true"}
    elbv2.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[protection])
    with pytest.raises(ClientError) as refused:
        elbv2.delete_load_balancer(LoadBalancerArn=arn)
    assert code(refused) == "OperationNotPermitted"


def test_attributes_have_defaults_and_bounds(elbv2: Any, load_balancer: dict[str, Any]) -> None:
    arn = load_balancer["LoadBalancerArn"]
    found = elbv2.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    values = {pair["Key"]: pair["Value"] for pair in found}
    assert values["idle_timeout.timeout_seconds"] == "60"
    assert values["routing.http.desync_mitigation_mode"] == "defensive"
    for key, value in (("idle_timeout.timeout_seconds", "4001"), ("no.such", "1")):
        with pytest.raises(ClientError) as refused:
            elbv2.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[{"Key": key, "Value": value}])
        assert code(refused) == "InvalidConfigurationRequest"


def test_its_names_are_known_in_the_vpcs_of_the_account(
    elbv2: Any, load_balancer: dict[str, Any], account: Any, vpc_id: str
) -> None:
    vpc = VpcReference(account_id=account.account_id, region="us-east-1", vpc_id=vpc_id)
    zones = {zone.name: zone for zone in zones_of(vpc)}
    assert len(zones[load_balancer["DNSName"]].records[0].values) == 2
    assert "web.elb.us-east-1.simfra.dev" in zones
    elbv2.delete_load_balancer(LoadBalancerArn=load_balancer["LoadBalancerArn"])
    assert load_balancer["DNSName"] not in {zone.name for zone in zones_of(vpc)}


def test_security_groups_and_subnets_change(
    elbv2: Any, aws: Callable[..., Any], load_balancer: dict[str, Any], subnets: list[str], vpc_id: str
) -> None:
    arn = load_balancer["LoadBalancerArn"]
    ec2 = aws("ec2")
    group_id = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc_id)["GroupId"]
    assert elbv2.set_security_groups(LoadBalancerArn=arn, SecurityGroups=[group_id])["SecurityGroupIds"] == [group_id]
    interfaces = ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [group_id]}])
    assert len(interfaces["NetworkInterfaces"]) == 2
    others = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
    zones = elbv2.set_subnets(LoadBalancerArn=arn, Subnets=[subnets[0], others[2]])["AvailabilityZones"]
    assert [zone["SubnetId"] for zone in zones] == [subnets[0], others[2]]


def test_capacity_is_reserved_on_paper(elbv2: Any, load_balancer: dict[str, Any]) -> None:
    arn = load_balancer["LoadBalancerArn"]
    elbv2.modify_capacity_reservation(LoadBalancerArn=arn, MinimumLoadBalancerCapacity={"CapacityUnits": 100})
    found = elbv2.describe_capacity_reservation(LoadBalancerArn=arn)
    assert found["MinimumLoadBalancerCapacity"] == {"CapacityUnits": 100}
    elbv2.modify_capacity_reservation(LoadBalancerArn=arn, ResetCapacityReservation=True)
    assert "MinimumLoadBalancerCapacity" not in elbv2.describe_capacity_reservation(LoadBalancerArn=arn)


def test_limits_and_policies_are_listed_by_pages(elbv2: Any) -> None:
    limits = {limit["Name"]: limit["Max"] for limit in elbv2.describe_account_limits()["Limits"]}
    assert limits["application-load-balancers"] == "50"
    (policy,) = elbv2.describe_ssl_policies(Names=["ELBSecurityPolicy-TLS13-1-2-2021-06"])["SslPolicies"]
    assert policy["SslProtocols"] == ["TLSv1.2", "TLSv1.3"]
    first = elbv2.describe_ssl_policies(PageSize=5)
    second = elbv2.describe_ssl_policies(PageSize=5, Marker=first["NextMarker"])
    assert first["SslPolicies"][0] != second["SslPolicies"][0]
    with pytest.raises(ClientError) as refused:
        elbv2.describe_ssl_policies(Names=["none"])
    assert code(refused) == "SSLPolicyNotFound"


def test_tags_are_kept_for_every_kind(
    elbv2: Any, load_balancer: dict[str, Any], group: dict[str, Any], listener: dict[str, Any]
) -> None:
    (rule,) = elbv2.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
    arns = [load_balancer["LoadBalancerArn"], group["TargetGroupArn"], listener["ListenerArn"], rule["RuleArn"]]
    elbv2.add_tags(ResourceArns=arns, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    elbv2.remove_tags(ResourceArns=arns, TagKeys=["b"])
    found = elbv2.describe_tags(ResourceArns=arns)["TagDescriptions"]
    assert [one["Tags"] for one in found] == [[{"Key": "a", "Value": "1"}]] * 4


def test_a_deleted_load_balancer_leaves_nothing_on_the_host(elbv2: Any, load_balancer: dict[str, Any]) -> None:
    arn = load_balancer["LoadBalancerArn"]
    elbv2.delete_load_balancer(LoadBalancerArn=arn)
    assert host_ports.published(arn) == []
