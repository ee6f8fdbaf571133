"""Security groups and their rules as AWS's shapes."""

from collections.abc import Iterable
from typing import NotRequired, TypedDict

from aws_api.services.ec2 import shapes
from aws_api.services.ec2.describe.tags import describe_tags
from aws_api.services.ec2.models import (
    SecurityGroup,
    SecurityGroupRule,
)


class _Described(TypedDict):
    Description: NotRequired[str]


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
        elif rule.prefix_list is not None:
            permission["PrefixListIds"].append({"PrefixListId": rule.prefix_list.resource_id, **described})
        else:
            permission["UserIdGroupPairs"].append(describe_user_id_group_pair(rule))
    return list(permissions.values())


def describe_user_id_group_pair(rule: SecurityGroupRule) -> shapes.UserIdGroupPair:
    """The group that a rule names; one of a peered VPC with its VPC and the peering."""
    referenced = rule.referenced_group
    assert referenced is not None
    pair: shapes.UserIdGroupPair = {"GroupId": referenced.resource_id, "UserId": referenced.account_id}
    if rule.description:
        pair["Description"] = rule.description
    return pair


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
    elif rule.prefix_list is not None:
        shape["PrefixListId"] = rule.prefix_list.resource_id
    else:
        assert rule.referenced_group is not None
        shape["ReferencedGroupInfo"] = {
            "GroupId": rule.referenced_group.resource_id,
            "UserId": rule.referenced_group.account_id,
        }
    return shape
