"""The rules of security groups, as permissions (protocol, ports and many peers) and as single rules with ids.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html
"""

from collections.abc import Callable, Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.core.ids import new_hex_id
from aws_api.services.ec2 import kinds, shapes
from aws_api.services.ec2.describe import describe_permissions, describe_security_group_rule
from aws_api.services.ec2.errors import (
    InvalidGroupNotFound,
    InvalidParameterCombination,
    InvalidParameterValue,
    InvalidPermissionDuplicate,
    InvalidPermissionNotFound,
    MissingParameter,
    RulesPerSecurityGroupLimitExceeded,
    malformed,
    missing,
)
from aws_api.services.ec2.filters import FilterTable
from aws_api.services.ec2.listing import listed
from aws_api.services.ec2.models import SecurityGroup, SecurityGroupRule
from aws_api.services.ec2.operations.security_groups import group_id_of
from aws_api.services.ec2.peerings import active_peering
from aws_api.services.ec2.permissions import Peer, Permission, parse_permissions, parse_rule
from aws_api.services.ec2.prefix_lists import find_prefix_list
from aws_api.services.ec2.service import operation
from aws_api.services.ec2.store import find, hold, narrowed, rows_of
from aws_api.services.ec2.tagging import tags_for
from aws_api.services.ec2.waking import wake_members

FILTERS = FilterTable({"group-id": "GroupId", "security-group-rule-id": "SecurityGroupRuleId"})
#: The most that AWS's quota can be raised to.
MAX_RULES_PER_GROUP = 1000

Request = Mapping[str, Any]


@operation
def authorize_security_group_ingress(
    context: Context, request: shapes.AuthorizeSecurityGroupIngressRequest
) -> shapes.AuthorizeSecurityGroupIngressResult:
    """Let something in."""
    return {"Return": True, "SecurityGroupRules": _authorize(context, request, is_egress=False)}


@operation
def authorize_security_group_egress(
    context: Context, request: shapes.AuthorizeSecurityGroupEgressRequest
) -> shapes.AuthorizeSecurityGroupEgressResult:
    """Let something out."""
    return {"Return": True, "SecurityGroupRules": _authorize(context, request, is_egress=True)}


@operation
def revoke_security_group_ingress(
    context: Context, request: shapes.RevokeSecurityGroupIngressRequest
) -> shapes.RevokeSecurityGroupIngressResult:
    """Let something in no longer."""
    revoked, unknown = _revoke(context, request, is_egress=False)
    answer: shapes.RevokeSecurityGroupIngressResult = {"Return": True, "RevokedSecurityGroupRules": revoked}
    return {**answer, "UnknownIpPermissions": unknown} if unknown else answer


@operation
def revoke_security_group_egress(
    context: Context, request: shapes.RevokeSecurityGroupEgressRequest
) -> shapes.RevokeSecurityGroupEgressResult:
    """Let something out no longer."""
    revoked, unknown = _revoke(context, request, is_egress=True)
    answer: shapes.RevokeSecurityGroupEgressResult = {"Return": True, "RevokedSecurityGroupRules": revoked}
    return {**answer, "UnknownIpPermissions": unknown} if unknown else answer


@operation
def describe_security_group_rules(
    context: Context, request: shapes.DescribeSecurityGroupRulesRequest
) -> shapes.DescribeSecurityGroupRulesResult:
    """List rules."""
    rules, next_token = listed(
        request,
        rows_of(SecurityGroupRule, context).select_related("group", "referenced_group", "prefix_list"),
        ids_member="SecurityGroupRuleIds",
        filters=FILTERS,
        describe=describe_security_group_rule,
    )
    return {"SecurityGroupRules": rules, **next_token}


@operation
def modify_security_group_rules(
    context: Context, request: shapes.ModifySecurityGroupRulesRequest
) -> shapes.ModifySecurityGroupRulesResult:
    """Make rules into other ones; each keeps its id and its direction."""
    group = find(SecurityGroup, context, request["GroupId"], locked=True)
    for update in request["SecurityGroupRules"]:
        rule = narrowed(group.rules.all(), [update["SecurityGroupRuleId"]])[0]
        permission = parse_rule(update.get("SecurityGroupRule", {}))
        columns = _columns(context, group, permission)
        others = group.rules.filter(is_egress=rule.is_egress).exclude(pk=rule.pk)
        if others.filter(**columns).exists():
            raise _duplicate(permission)
        SecurityGroupRule.objects.filter(pk=rule.pk).update(**columns, description=permission.description)
    wake_members([group])
    return {"Return": True}


@operation
def update_security_group_rule_descriptions_ingress(
    context: Context, request: shapes.UpdateSecurityGroupRuleDescriptionsIngressRequest
) -> shapes.UpdateSecurityGroupRuleDescriptionsIngressResult:
    """Describe ingress rules anew."""
    _update_descriptions(context, request, is_egress=False)
    return {"Return": True}


@operation
def update_security_group_rule_descriptions_egress(
    context: Context, request: shapes.UpdateSecurityGroupRuleDescriptionsEgressRequest
) -> shapes.UpdateSecurityGroupRuleDescriptionsEgressResult:
    """Describe egress rules anew."""
    _update_descriptions(context, request, is_egress=True)
    return {"Return": True}


def _authorize(context: Context, request: Request, *, is_egress: bool) -> list[shapes.SecurityGroupRule]:
    group = _find_group(context, request)
    permissions = _permissions_of(context, request)
    if not permissions:
        raise MissingParameter("The request must contain the parameter ipPermissions")
    tags = tags_for(kinds.SECURITY_GROUP_RULE, request)
    rules = group.rules.filter(is_egress=is_egress)
    if rules.count() + len(permissions) > MAX_RULES_PER_GROUP:
        raise RulesPerSecurityGroupLimitExceeded("The maximum number of rules per security group has been reached.")
    made = []
    for permission in permissions:
        columns = _columns(context, group, permission)
        if rules.filter(**columns).exists():
            raise _duplicate(permission)
        made.append(
            SecurityGroupRule.objects.create(
                account_id=context.account_id,
                region=context.region,
                created_at=context.clock.now(),
                resource_id=new_hex_id("sgr-"),
                tags=tags,
                group=group,
                is_egress=is_egress,
                description=permission.description,
                **columns,
            )
        )
    wake_members([group])
    return [describe_security_group_rule(rule) for rule in made]


def _revoke(
    context: Context, request: Request, *, is_egress: bool
) -> tuple[list[shapes.RevokedSecurityGroupRule], list[shapes.IpPermission]]:
    group = _find_group(context, request)
    rules = group.rules.filter(is_egress=is_egress).select_related("referenced_group", "prefix_list", "group")
    if ids := request.get("SecurityGroupRuleIds"):
        if request.get("IpPermissions"):
            raise InvalidParameterCombination(
                "The parameter securityGroupRuleIds cannot be used with the parameter ipPermissions"
            )
        revoked = narrowed(rules, ids)
        unknown: list[shapes.IpPermission] = []
    else:
        revoked, unknown = _rules_of_permissions(context, group, request, rules.filter)
    SecurityGroupRule.objects.filter(pk__in=[rule.pk for rule in revoked]).delete()
    wake_members([group])
    return [_describe_revoked(rule) for rule in revoked], unknown


def _rules_of_permissions(
    context: Context, group: SecurityGroup, request: Request, matching: Callable[..., Any]
) -> tuple[list[SecurityGroupRule], list[shapes.IpPermission]]:
    """The rules that permissions name, and the permissions that name none.

    EC2 passes over the latter in the default VPC only.
    """
    permissions = _permissions_of(context, request)
    if not permissions:
        raise MissingParameter("The request must contain the parameter ipPermissions or securityGroupRuleIds")
    found: list[SecurityGroupRule] = []
    unknown: list[SecurityGroupRule] = []
    for permission in permissions:
        columns = _columns(context, group, permission)
        rule = matching(**columns).first()
        if rule is not None:
            found.append(rule)
        elif group.vpc.is_default:
            unknown.append(SecurityGroupRule(account_id=context.account_id, **columns))
        else:
            raise InvalidPermissionNotFound("The specified rule does not exist in this security group.")
    return found, describe_permissions(unknown)


def _update_descriptions(context: Context, request: Request, *, is_egress: bool) -> None:
    group = _find_group(context, request)
    rules = group.rules.filter(is_egress=is_egress)
    by_id = request.get("SecurityGroupRuleDescriptions") or []
    permissions = _permissions_of(context, request)
    if bool(by_id) == bool(permissions):
        raise InvalidParameterCombination("Either ipPermissions or securityGroupRuleDescriptions must be given.")
    for described in by_id:
        rule = narrowed(rules, [described.get("SecurityGroupRuleId", "")])[0]
        rules.filter(pk=rule.pk).update(description=described.get("Description", ""))
    for permission in permissions:
        if not rules.filter(**_columns(context, group, permission)).update(description=permission.description):
            raise InvalidPermissionNotFound("The specified rule does not exist in this security group.")


def _find_group(context: Context, request: Request) -> SecurityGroup:
    group_id = group_id_of(context, request.get("GroupId"), request.get("GroupName"))
    return find(SecurityGroup, context, group_id, locked=True)


def _permissions_of(context: Context, request: Request) -> list[Permission]:
    permissions = parse_permissions(request)
    if len({permission.identity for permission in permissions}) < len(permissions):
        raise InvalidParameterValue("The same permission must not appear multiple times")
    return permissions


def _columns(context: Context, group: SecurityGroup, permission: Permission) -> dict[str, Any]:
    """A permission as a rule's columns, all that tell it from others."""
    peer = permission.peer
    prefix_list = find_prefix_list(context, peer.prefix_list_id) if peer.prefix_list_id else None
    if prefix_list is not None:
        hold([prefix_list])
    return {
        "ip_protocol": permission.ip_protocol,
        "from_port": permission.from_port,
        "to_port": permission.to_port,
        "cidr_ipv4": peer.cidr_ipv4,
        "cidr_ipv6": peer.cidr_ipv6,
        "referenced_group": _referenced_group(context, group, peer),
        "prefix_list": prefix_list,
    }


def _referenced_group(context: Context, group: SecurityGroup, peer: Peer) -> SecurityGroup | None:
    if not peer.group_id and not peer.group_name:
        return None
    if peer.group_id and not kinds.SECURITY_GROUP.matches(peer.group_id):
        raise malformed(kinds.SECURITY_GROUP, peer.group_id)
    rows = SecurityGroup.objects.filter(account_id=peer.owner_id or context.account_id, region=context.region)
    if peer.group_id:
        referenced = rows.filter(resource_id=peer.group_id).select_related("vpc").first()
    else:
        referenced = rows.filter(vpc=group.vpc, group_name=peer.group_name).select_related("vpc").first()
    if referenced is None:
        raise missing(kinds.SECURITY_GROUP, [peer.group_id or peer.group_name])
    if referenced.vpc_id != group.vpc_id and active_peering(referenced.vpc, group.vpc) is None:
        raise InvalidGroupNotFound("You have specified two resources that belong to different networks.")
    hold([referenced])
    return referenced


def _duplicate(permission: Permission) -> Exception:
    return InvalidPermissionDuplicate(f'the specified rule "{permission}" already exists')


def _describe_revoked(rule: SecurityGroupRule) -> shapes.RevokedSecurityGroupRule:
    revoked: shapes.RevokedSecurityGroupRule = {
        "SecurityGroupRuleId": rule.resource_id,
        "GroupId": rule.group.resource_id,
        "IsEgress": rule.is_egress,
        "IpProtocol": rule.ip_protocol,
        "FromPort": rule.from_port,
        "ToPort": rule.to_port,
    }
    if rule.cidr_ipv4:
        revoked["CidrIpv4"] = rule.cidr_ipv4
    if rule.cidr_ipv6:
        revoked["CidrIpv6"] = rule.cidr_ipv6
    if rule.description:
        revoked["Description"] = rule.description
    if rule.prefix_list is not None:
        revoked["PrefixListId"] = rule.prefix_list.resource_id
    if rule.referenced_group is not None:
        revoked["ReferencedGroupId"] = rule.referenced_group.resource_id
    return revoked
