"""Security groups and their rules, as a client of EC2 sees them."""

from collections.abc import Callable
from typing import Any

import pytest

Refused = Callable[..., Any]
SSH = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


@pytest.fixture
def group_id(ec2: Any, vpc_id: str) -> str:
    made: str = ec2.create_security_group(GroupName="web", Description="Web servers", VpcId=vpc_id)["GroupId"]
    return made


def describe(ec2: Any, group_id: str) -> dict[str, Any]:
    group: dict[str, Any] = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"][0]
    return group


def test_a_new_group_lets_everything_out_and_nothing_in(ec2: Any, group_id: str, account: Any) -> None:
    group = describe(ec2, group_id)
    assert group["IpPermissions"] == []
    assert group["IpPermissionsEgress"] == [
        {
            "IpProtocol": "-1",
            "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
            "Ipv6Ranges": [],
            "PrefixListIds": [],
            "UserIdGroupPairs": [],
        }
    ]
    assert group["OwnerId"] == account.account_id


def test_a_group_without_a_vpc_is_in_the_default_one_and_can_be_told_by_name(ec2: Any, refused: Refused) -> None:
    group_id = ec2.create_security_group(GroupName="web", Description="d")["GroupId"]
    default = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    (group,) = ec2.describe_security_groups(GroupNames=["web"])["SecurityGroups"]
    assert (group["GroupId"], group["VpcId"]) == (group_id, default)
    with refused("InvalidGroup.NotFound", f"The security group 'no' does not exist in default VPC '{default}'"):
        ec2.describe_security_groups(GroupNames=["no"])


def test_names_are_unique_in_a_vpc_and_some_are_reserved(
    ec2: Any, refused: Refused, vpc_id: str, group_id: str
) -> None:
    with refused("InvalidGroup.Duplicate", f"The security group 'web' already exists for VPC '{vpc_id}'"):
        ec2.create_security_group(GroupName="web", Description="d", VpcId=vpc_id)
    with refused("InvalidParameterValue", "Cannot use reserved security group name: default"):
        ec2.create_security_group(GroupName="default", Description="d", VpcId=vpc_id)
    with refused("InvalidParameterValue"):
        ec2.create_security_group(GroupName="sg-web", Description="d", VpcId=vpc_id)


def test_rules_have_ids_and_are_grouped_by_ports(ec2: Any, group_id: str) -> None:
    web = {
        "IpProtocol": "tcp",
        "FromPort": 443,
        "ToPort": 443,
        "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "inside"}, {"CidrIp": "192.168.1.1/24"}],
        "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
        "UserIdGroupPairs": [{"GroupId": group_id}],
    }
    made = ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[SSH, web])["SecurityGroupRules"]
    assert len(made) == 5
    assert all(rule["SecurityGroupRuleId"].startswith("sgr-") for rule in made)
    ssh, https = describe(ec2, group_id)["IpPermissions"]
    assert (ssh["FromPort"], ssh["IpRanges"]) == (22, [{"CidrIp": "0.0.0.0/0"}])
    assert https["IpRanges"] == [{"CidrIp": "10.0.0.0/8", "Description": "inside"}, {"CidrIp": "192.168.1.0/24"}]
    assert https["Ipv6Ranges"] == [{"CidrIpv6": "::/0"}]
    assert [pair["GroupId"] for pair in https["UserIdGroupPairs"]] == [group_id]
    filters = [{"Name": "group-id", "Values": [group_id]}]
    rules = ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
    assert len(rules) == 6  # the egress rule that the group was born with among them


def test_the_older_members_for_a_single_rule_work_too(ec2: Any, group_id: str) -> None:
    ec2.authorize_security_group_ingress(GroupId=group_id, IpProtocol="tcp", FromPort=80, ToPort=80, CidrIp="0.0.0.0/0")
    (permission,) = describe(ec2, group_id)["IpPermissions"]
    assert (permission["FromPort"], permission["IpRanges"]) == (80, [{"CidrIp": "0.0.0.0/0"}])


def test_a_rule_that_is_there_already_is_refused(ec2: Any, refused: Refused, group_id: str) -> None:
    ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[SSH])
    with refused(
        "InvalidPermission.Duplicate",
        'the specified rule "peer: 0.0.0.0/0, TCP, from port: 22, to port: 22, ALLOW" already exists',
    ):
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[SSH])
    with refused("InvalidPermission.Duplicate", 'the specified rule "peer: 0.0.0.0/0, ALL, ALLOW" already exists'):
        ec2.authorize_security_group_egress(
            GroupId=group_id, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        )
    with refused("InvalidParameterValue", "The same permission must not appear multiple times"):
        ec2.authorize_security_group_egress(GroupId=group_id, IpPermissions=[SSH, SSH])


@pytest.mark.parametrize(
    ("permission", "code"),
    [
        ({**SSH, "FromPort": 80}, "InvalidParameterValue"),
        ({**SSH, "ToPort": 70000}, "InvalidParameterValue"),
        ({"IpProtocol": "tcp", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, "InvalidParameterValue"),
        ({**SSH, "IpRanges": [{"CidrIp": "0.0.0.0/33"}]}, "InvalidParameterValue"),
        ({**SSH, "IpProtocol": "carrier-pigeon"}, "InvalidParameterValue"),
        ({"IpProtocol": "-1"}, "MissingParameter"),
        ({"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-abc"}]}, "InvalidGroup.NotFound"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(
    ec2: Any, refused: Refused, group_id: str, permission: dict[str, Any], code: str
) -> None:
    with refused(code):
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[permission])
    assert describe(ec2, group_id)["IpPermissions"] == []


def test_protocols_have_one_spelling(ec2: Any, group_id: str) -> None:
    ping = {"IpProtocol": "1", "FromPort": 8, "ToPort": -1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[{**SSH, "IpProtocol": "6"}, ping])
    protocols = [permission["IpProtocol"] for permission in describe(ec2, group_id)["IpPermissions"]]
    assert protocols == ["tcp", "icmp"]


def test_rules_are_revoked_by_permission_or_by_id(ec2: Any, refused: Refused, group_id: str) -> None:
    ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[SSH])
    revoked = ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=[SSH])
    assert [rule["CidrIpv4"] for rule in revoked["RevokedSecurityGroupRules"]] == ["0.0.0.0/0"]
    with refused("InvalidPermission.NotFound", "The specified rule does not exist in this security group."):
        ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=[SSH])
    (rule,) = ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[SSH])["SecurityGroupRules"]
    ec2.revoke_security_group_ingress(GroupId=group_id, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])
    assert describe(ec2, group_id)["IpPermissions"] == []


def test_in_the_default_vpc_revoking_what_is_not_there_is_passed_over(ec2: Any) -> None:
    group_id = ec2.create_security_group(GroupName="web", Description="d")["GroupId"]
    answer = ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=[SSH])
    assert answer["RevokedSecurityGroupRules"] == []
    assert answer["UnknownIpPermissions"][0]["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}]


def test_a_rule_can_be_made_into_another_and_keeps_its_id(ec2: Any, group_id: str) -> None:
    (rule,) = ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[SSH])["SecurityGroupRules"]
    rule_id = rule["SecurityGroupRuleId"]
    changed = {"IpProtocol": "udp", "FromPort": 53, "ToPort": 53, "CidrIpv4": "10.0.0.0/8", "Description": "names"}
    ec2.modify_security_group_rules(
        GroupId=group_id, SecurityGroupRules=[{"SecurityGroupRuleId": rule_id, "SecurityGroupRule": changed}]
    )
    (rule,) = ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule_id])["SecurityGroupRules"]
    assert {member: rule[member] for member in changed} == changed


def test_descriptions_are_updated(ec2: Any, refused: Refused, group_id: str) -> None:
    ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[SSH])
    described = {**SSH, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "everybody"}]}
    ec2.update_security_group_rule_descriptions_ingress(GroupId=group_id, IpPermissions=[described])
    assert describe(ec2, group_id)["IpPermissions"][0]["IpRanges"][0]["Description"] == "everybody"
    with refused("InvalidPermission.NotFound"):
        ec2.update_security_group_rule_descriptions_egress(GroupId=group_id, IpPermissions=[described])


def test_a_group_of_another_vpc_cannot_be_a_peer(ec2: Any, refused: Refused, group_id: str) -> None:
    other = ec2.create_security_group(GroupName="web", Description="d")["GroupId"]
    with refused("InvalidGroup.NotFound", "You have specified two resources that belong to different networks."):
        ec2.authorize_security_group_ingress(
            GroupId=group_id, IpPermissions=[{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": other}]}]
        )


def test_a_group_in_use_is_not_deleted(ec2: Any, refused: Refused, vpc_id: str, group_id: str) -> None:
    peer = ec2.create_security_group(GroupName="db", Description="d", VpcId=vpc_id)["GroupId"]
    from_web = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group_id}]}
    ec2.authorize_security_group_ingress(GroupId=peer, IpPermissions=[from_web])
    with refused("DependencyViolation", f"resource {group_id} has a dependent object"):
        ec2.delete_security_group(GroupId=group_id)
    ec2.revoke_security_group_ingress(GroupId=peer, IpPermissions=[from_web])
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    interface = ec2.create_network_interface(SubnetId=subnet_id, Groups=[group_id])["NetworkInterface"]
    with refused("DependencyViolation"):
        ec2.delete_security_group(GroupId=group_id)
    ec2.delete_network_interface(NetworkInterfaceId=interface["NetworkInterfaceId"])
    ec2.delete_security_group(GroupId=group_id)
    with refused("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist"):
        ec2.describe_security_groups(GroupIds=[group_id])


def test_a_default_group_is_not_deleted(ec2: Any, refused: Refused) -> None:
    (group,) = ec2.describe_security_groups()["SecurityGroups"]
    group_id = group["GroupId"]
    with refused("CannotDelete", f'the specified group: "{group_id}" name: "default" cannot be deleted by a user'):
        ec2.delete_security_group(GroupId=group_id)


def test_an_id_that_is_no_groups_is_malformed(ec2: Any, refused: Refused) -> None:
    with refused("InvalidGroupId.Malformed", 'Invalid id: "web" (expecting "sg-...")'):
        ec2.describe_security_groups(GroupIds=["web"])
