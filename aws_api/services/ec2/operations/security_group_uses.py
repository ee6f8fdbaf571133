"""Who refers to security groups, and who may use them.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroupReferences.html
"""

from collections.abc import Iterator

from aws_api.core.context import Context
from aws_api.services.ec2 import shapes
from aws_api.services.ec2.describe import describe_tags, describe_user_id_group_pair
from aws_api.services.ec2.filters import FilterTable
from aws_api.services.ec2.listing import listed, listed_shapes
from aws_api.services.ec2.models import SecurityGroup, SecurityGroupRule, Vpc
from aws_api.services.ec2.peerings import active_peering
from aws_api.services.ec2.service import operation
from aws_api.services.ec2.store import find, find_all, rows_of

VPC_FILTERS = FilterTable(
    {
        "description": "Description",
        "group-id": "GroupId",
        "group-name": "GroupName",
        "owner-id": "OwnerId",
        "primary-vpc-id": "PrimaryVpcId",
    }
)
_ASSOCIATION_FILTERS = FilterTable(
    {"group-id": "GroupId", "group-owner-id": "GroupOwnerId", "state": "State", "vpc-id": "VpcId"}
)
_NO_FILTERS = FilterTable({})


@operation
def describe_security_group_references(
    context: Context, request: shapes.DescribeSecurityGroupReferencesRequest
) -> shapes.DescribeSecurityGroupReferencesResult:
    """List the peered VPCs whose groups' rules name these groups."""
    references: list[shapes.SecurityGroupReference] = []
    for group in find_all(SecurityGroup, context, request["GroupId"]):
        rules = group.referencing_rules.exclude(group__vpc=group.vpc).select_related("group__vpc").order_by("pk")
        for vpc in dict.fromkeys(rule.group.vpc for rule in rules):
            peering = active_peering(group.vpc, vpc)
            if peering is not None:
                references.append(
                    {
                        "GroupId": group.resource_id,
                        "ReferencingVpcId": vpc.resource_id,
                        "VpcPeeringConnectionId": peering.resource_id,
                    }
                )
    return {"SecurityGroupReferenceSet": references}


@operation
def describe_stale_security_groups(
    context: Context, request: shapes.DescribeStaleSecurityGroupsRequest
) -> shapes.DescribeStaleSecurityGroupsResult:
    """List the groups of a VPC with rules that name groups of VPCs it is no longer peered with."""
    vpc = find(Vpc, context, request["VpcId"])
    stale, next_token = listed_shapes(request, _stale_groups(vpc), filters=_NO_FILTERS)
    return {"StaleSecurityGroupSet": stale, **next_token}


@operation
def get_security_groups_for_vpc(
    context: Context, request: shapes.GetSecurityGroupsForVpcRequest
) -> shapes.GetSecurityGroupsForVpcResult:
    """List the groups that interfaces in a VPC can join."""
    vpc = find(Vpc, context, request["VpcId"])
    groups, next_token = listed(
        request,
        rows_of(SecurityGroup, context).filter(vpc=vpc).select_related("vpc"),
        ids_member="",
        filters=VPC_FILTERS,
        describe=_describe_for_vpc,
    )
    return {"SecurityGroupForVpcs": groups, **next_token}


@operation
def describe_security_group_vpc_associations(
    _context: Context, request: shapes.DescribeSecurityGroupVpcAssociationsRequest
) -> shapes.DescribeSecurityGroupVpcAssociationsResult:
    """List groups that were associated with further VPCs: none, for Simfra's groups are of one VPC."""
    none: list[shapes.SecurityGroupVpcAssociation] = []
    associations, next_token = listed_shapes(request, none, filters=_ASSOCIATION_FILTERS)
    return {"SecurityGroupVpcAssociations": associations, **next_token}


def _stale_groups(vpc: Vpc) -> Iterator[shapes.StaleSecurityGroup]:
    rules = (
        SecurityGroupRule.objects.filter(group__vpc=vpc, referenced_group__isnull=False)
        .exclude(referenced_group__vpc=vpc)
        .select_related("group", "referenced_group__vpc")
        .order_by("group_id", "pk")
    )
    stale: dict[SecurityGroup, list[SecurityGroupRule]] = {}
    for rule in rules:
        assert rule.referenced_group is not None
        if active_peering(vpc, rule.referenced_group.vpc) is None:
            stale.setdefault(rule.group, []).append(rule)
    for group, named in stale.items():
        yield {
            "GroupId": group.resource_id,
            "GroupName": group.group_name,
            "Description": group.description,
            "VpcId": vpc.resource_id,
            "StaleIpPermissions": [_describe_stale(rule) for rule in named if not rule.is_egress],
            "StaleIpPermissionsEgress": [_describe_stale(rule) for rule in named if rule.is_egress],
        }


def _describe_stale(rule: SecurityGroupRule) -> shapes.StaleIpPermission:
    shape: shapes.StaleIpPermission = {
        "IpProtocol": rule.ip_protocol,
        "UserIdGroupPairs": [describe_user_id_group_pair(rule)],
    }
    if rule.ip_protocol != "-1":
        shape |= {"FromPort": rule.from_port, "ToPort": rule.to_port}
    return shape


def _describe_for_vpc(group: SecurityGroup) -> shapes.SecurityGroupForVpc:
    return {
        "GroupId": group.resource_id,
        "GroupName": group.group_name,
        "Description": group.description,
        "OwnerId": group.account_id,
        "PrimaryVpcId": group.vpc.resource_id,
        "Tags": describe_tags(group.tags),
    }
