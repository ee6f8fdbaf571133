"""Security groups. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html"""

import re

from aws_api.core.context import Context
from aws_api.services.ec2 import kinds, shapes
from aws_api.services.ec2.default_vpc import create_open_egress_rule
from aws_api.services.ec2.describe import describe_security_group, describe_tags
from aws_api.services.ec2.errors import (
    CannotDelete,
    DependencyViolation,
    InvalidGroupDuplicate,
    InvalidGroupNotFound,
    InvalidParameterValue,
    MissingParameter,
    VpcIdNotSpecified,
)
from aws_api.services.ec2.filters import FilterTable
from aws_api.services.ec2.listing import listed
from aws_api.services.ec2.models import SecurityGroup, Vpc
from aws_api.services.ec2.quotas import SECURITY_GROUPS, check_quota
from aws_api.services.ec2.service import operation
from aws_api.services.ec2.store import demanded_id, find, find_to_delete, rows_of
from aws_api.services.ec2.tagging import tags_for

_PERMISSION_FILTERS = {
    "cidr": "IpRanges.CidrIp",
    "from-port": "FromPort",
    "group-id": "UserIdGroupPairs.GroupId",
    "group-name": "UserIdGroupPairs.GroupName",
    "ipv6-cidr": "Ipv6Ranges.CidrIpv6",
    "prefix-list-id": "PrefixListIds.PrefixListId",
    "protocol": "IpProtocol",
    "to-port": "ToPort",
    "user-id": "UserIdGroupPairs.UserId",
}
FILTERS = FilterTable(
    {
        "description": "Description",
        "group-id": "GroupId",
        "group-name": "GroupName",
        "owner-id": "OwnerId",
        "vpc-id": "VpcId",
        **{f"ip-permission.{name}": f"IpPermissions.{path}" for name, path in _PERMISSION_FILTERS.items()},
        **{f"egress.ip-permission.{name}": f"IpPermissionsEgress.{path}" for name, path in _PERMISSION_FILTERS.items()},
    }
)
_ALLOWED = r"a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*"


@operation
def create_security_group(
    context: Context, request: shapes.CreateSecurityGroupRequest
) -> shapes.CreateSecurityGroupResult:
    """Make a group that lets everything out and nothing in."""
    name, description = request["GroupName"], request["Description"]
    _check_text("GroupName", name)
    _check_text("GroupDescription", description)
    if name.startswith("sg-"):
        raise InvalidParameterValue(
            f"Value ({name}) for parameter GroupName is invalid. Group names may not be in the format sg-*."
        )
    if name == "default":
        raise InvalidParameterValue("Cannot use reserved security group name: default")
    vpc = find(Vpc, context, request.get("VpcId") or _default_vpc_id(context), locked=True)
    if vpc.security_groups.filter(group_name=name).exists():
        raise InvalidGroupDuplicate(f"The security group '{name}' already exists for VPC '{vpc.resource_id}'")
    check_quota(SECURITY_GROUPS, rows_of(SecurityGroup, context))
    group = SecurityGroup.objects.create(
        account_id=context.account_id,
        region=context.region,
        created_at=context.clock.now(),
        resource_id=demanded_id(context, kinds.SECURITY_GROUP, SecurityGroup, "GroupId"),
        tags=tags_for(kinds.SECURITY_GROUP, request),
        vpc=vpc,
        group_name=name,
        description=description,
    )
    create_open_egress_rule(context, group)
    return {"GroupId": group.resource_id, "SecurityGroupArn": group.arn, "Tags": describe_tags(group.tags)}


@operation
def delete_security_group(
    context: Context, request: shapes.DeleteSecurityGroupRequest
) -> shapes.DeleteSecurityGroupResult:
    """Delete a group that no interface has and no other group's rules name."""
    group_id = group_id_of(context, request.get("GroupId"), request.get("GroupName"))
    group = find_to_delete(SecurityGroup, context, group_id)
    if group.is_default:
        raise CannotDelete(f'the specified group: "{group_id}" name: "{group.group_name}" cannot be deleted by a user')
    is_used = group.network_interfaces.exists() or group.endpoints.exists()
    if is_used or group.referencing_rules.exclude(group=group).exists():
        raise DependencyViolation(f"resource {group_id} has a dependent object")
    group.rules.all().delete()
    group.delete()
    return {"Return": True, "GroupId": group_id}


@operation
def describe_security_groups(
    context: Context, request: shapes.DescribeSecurityGroupsRequest
) -> shapes.DescribeSecurityGroupsResult:
    """List groups; names are looked up in the default VPC."""
    rows = (
        rows_of(SecurityGroup, context)
        .select_related("vpc")
        .prefetch_related("rules__referenced_group", "rules__prefix_list")
    )
    if names := request.get("GroupNames"):
        rows = rows.filter(vpc__is_default=True, group_name__in=names)
        found = set(rows.values_list("group_name", flat=True))
        for name in names:
            if name not in found:
                raise _no_such_name(context, name)
    groups, next_token = listed(request, rows, ids_member="GroupIds", filters=FILTERS, describe=describe_security_group)
    return {"SecurityGroups": groups, **next_token}


def group_id_of(context: Context, group_id: str | None, name: str | None) -> str:
    """A group's id, told by itself or by its name in the default VPC."""
    if group_id:
        return group_id
    if not name:
        raise MissingParameter("The request must contain the parameter groupName or groupId")
    group = rows_of(SecurityGroup, context).filter(vpc__is_default=True, group_name=name).first()
    if group is None:
        raise _no_such_name(context, name)
    return group.resource_id


def _no_such_name(context: Context, name: str) -> Exception:
    default = rows_of(Vpc, context).filter(is_default=True).first()
    if default is None:
        return VpcIdNotSpecified("No default VPC for this user")
    return InvalidGroupNotFound(f"The security group '{name}' does not exist in default VPC '{default.resource_id}'")


def _default_vpc_id(context: Context) -> str:
    default = rows_of(Vpc, context).filter(is_default=True).first()
    if default is None:
        raise VpcIdNotSpecified("No default VPC for this user")
    return default.resource_id


def _check_text(member: str, value: str) -> None:
    if len(value) > 255 or not re.fullmatch(f"[{_ALLOWED}]*", value):
        raise InvalidParameterValue(
            f"Value ({value}) for parameter {member} is invalid. Character sets beyond ASCII are not supported."
            if not value.isascii()
            else f"Invalid security group {'name' if member == 'GroupName' else 'description'}. Valid ones are strings "
            "less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
        )
