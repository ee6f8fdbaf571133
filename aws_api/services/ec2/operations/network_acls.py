"""Network ACLs and their entries. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkAcl.html"""

from collections.abc import Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.core.ids import new_hex_id
from aws_api.services.ec2 import kinds, shapes
from aws_api.services.ec2.addresses import parse_block, parse_block6
from aws_api.services.ec2.describe import describe_network_acl
from aws_api.services.ec2.errors import (
    DependencyViolation,
    InvalidAssociationIdNotFound,
    InvalidNetworkAclEntryNotFound,
    InvalidParameterValue,
    MissingParameter,
    NetworkAclEntryAlreadyExists,
)
from aws_api.services.ec2.filters import FilterTable
from aws_api.services.ec2.listing import listed
from aws_api.services.ec2.models import NetworkAcl, NetworkAclAssociation, NetworkAclEntry, Vpc
from aws_api.services.ec2.quotas import NETWORK_ACL_ENTRIES, NETWORK_ACLS_PER_VPC, check_quota
from aws_api.services.ec2.service import operation
from aws_api.services.ec2.store import demanded_id, find, find_to_delete, rows_of
from aws_api.services.ec2.tagging import tags_for
from aws_api.services.ec2.waking import wake

FILTERS = FilterTable(
    {
        "association.association-id": "Associations.NetworkAclAssociationId",
        "association.network-acl-id": "Associations.NetworkAclId",
        "association.subnet-id": "Associations.SubnetId",
        "default": "IsDefault",
        "entry.cidr": "Entries.CidrBlock",
        "entry.egress": "Entries.Egress",
        "entry.icmp.code": "Entries.IcmpTypeCode.Code",
        "entry.icmp.type": "Entries.IcmpTypeCode.Type",
        "entry.ipv6-cidr": "Entries.Ipv6CidrBlock",
        "entry.port-range.from": "Entries.PortRange.From",
        "entry.port-range.to": "Entries.PortRange.To",
        "entry.protocol": "Entries.Protocol",
        "entry.rule-action": "Entries.RuleAction",
        "entry.rule-number": "Entries.RuleNumber",
        "network-acl-id": "NetworkAclId",
        "owner-id": "OwnerId",
        "vpc-id": "VpcId",
    }
)
#: The last number is the line that denies the rest.
MAX_RULE_NUMBER = 32766
_NUMBERS = {"icmp": "1", "tcp": "6", "udp": "17", "icmpv6": "58", "all": "-1"}
_TCP_AND_UDP = ("6", "17")
_ICMP = ("1", "58")


@operation
def create_network_acl(context: Context, request: shapes.CreateNetworkAclRequest) -> shapes.CreateNetworkAclResult:
    """Make an ACL that denies everything and guards no subnet yet."""
    vpc = find(Vpc, context, request["VpcId"], locked=True)
    check_quota(NETWORK_ACLS_PER_VPC, vpc.network_acls.all())
    acl = NetworkAcl.objects.create(
        account_id=context.account_id,
        region=context.region,
        created_at=context.clock.now(),
        resource_id=demanded_id(context, kinds.NETWORK_ACL, NetworkAcl, "NetworkAclId"),
        tags=tags_for(kinds.NETWORK_ACL, request),
        vpc=vpc,
    )
    answer: shapes.CreateNetworkAclResult = {"NetworkAcl": describe_network_acl(acl)}
    if token := request.get("ClientToken"):
        answer["ClientToken"] = token
    return answer


@operation
def delete_network_acl(context: Context, request: shapes.DeleteNetworkAclRequest) -> None:
    """Delete an ACL that guards no subnet."""
    acl = find_to_delete(NetworkAcl, context, request["NetworkAclId"])
    if acl.is_default:
        raise InvalidParameterValue(f"cannot delete default network ACL {acl.resource_id}")
    if acl.associations.exists():
        raise DependencyViolation(f"The networkAcl '{acl.resource_id}' has dependencies and cannot be deleted.")
    acl.delete()


@operation
def describe_network_acls(
    context: Context, request: shapes.DescribeNetworkAclsRequest
) -> shapes.DescribeNetworkAclsResult:
    """List network ACLs."""
    rows = rows_of(NetworkAcl, context).select_related("vpc").prefetch_related("associations__subnet", "entries")
    acls, next_token = listed(request, rows, ids_member="NetworkAclIds", filters=FILTERS, describe=describe_network_acl)
    return {"NetworkAcls": acls, **next_token}


@operation
def create_network_acl_entry(context: Context, request: shapes.CreateNetworkAclEntryRequest) -> None:
    """Add a line."""
    acl = find(NetworkAcl, context, request["NetworkAclId"], locked=True)
    number = _rule_number(request)
    lines = acl.entries.filter(is_egress=request["Egress"])
    if lines.filter(rule_number=number).exists():
        raise NetworkAclEntryAlreadyExists(f"The network acl entry identified by {number} already exists.")
    check_quota(NETWORK_ACL_ENTRIES, lines)
    NetworkAclEntry.objects.create(
        network_acl=acl, is_egress=request["Egress"], rule_number=number, **_columns(request)
    )
    wake(acl.vpc)


@operation
def replace_network_acl_entry(context: Context, request: shapes.ReplaceNetworkAclEntryRequest) -> None:
    """Make a line another one."""
    acl = find(NetworkAcl, context, request["NetworkAclId"], locked=True)
    columns = _columns(request)
    if not acl.entries.filter(is_egress=request["Egress"], rule_number=_rule_number(request)).update(**columns):
        raise _no_such_entry(request)
    wake(acl.vpc)


@operation
def delete_network_acl_entry(context: Context, request: shapes.DeleteNetworkAclEntryRequest) -> None:
    """Take a line away."""
    acl = find(NetworkAcl, context, request["NetworkAclId"], locked=True)
    deleted, _ = acl.entries.filter(is_egress=request["Egress"], rule_number=_rule_number(request)).delete()
    if not deleted:
        raise _no_such_entry(request)
    wake(acl.vpc)


@operation
def replace_network_acl_association(
    context: Context, request: shapes.ReplaceNetworkAclAssociationRequest
) -> shapes.ReplaceNetworkAclAssociationResult:
    """Have another ACL guard a subnet."""
    association_id = request["AssociationId"]
    association = (
        NetworkAclAssociation.objects.filter(
            association_id=association_id, subnet__account_id=context.account_id, subnet__region=context.region
        )
        .select_related("subnet")
        .select_for_update(of=("self",))
        .first()
    )
    if association is None:
        raise InvalidAssociationIdNotFound(f"The association ID '{association_id}' does not exist")
    acl = find(NetworkAcl, context, request["NetworkAclId"], locked=True)
    if acl.vpc_id != association.subnet.vpc_id:
        raise InvalidParameterValue(
            f"Network ACL {acl.resource_id} and subnet {association.subnet.resource_id} belong to different networks"
        )
    new_id = new_hex_id("aclassoc-")
    NetworkAclAssociation.objects.filter(pk=association.pk).update(association_id=new_id, network_acl=acl)
    wake(acl.vpc)
    return {"NewAssociationId": new_id}


def _rule_number(request: Mapping[str, Any]) -> int:
    number: int = request["RuleNumber"]
    if not 1 <= number <= MAX_RULE_NUMBER:
        raise InvalidParameterValue(
            f"Value ({number}) for parameter ruleNumber is invalid. Rule number must be between 1 and {MAX_RULE_NUMBER}"
        )
    return number


def _columns(request: Mapping[str, Any]) -> dict[str, Any]:
    """A line as columns, all but its place."""
    protocol = _protocol(request["Protocol"])
    from_port, to_port = _ports(request) if protocol in _TCP_AND_UDP else (None, None)
    icmp_type, icmp_code = _type_and_code(request) if protocol in _ICMP else (None, None)
    return {
        "is_allow": request["RuleAction"] == "allow",
        "protocol": protocol,
        **_block(request),
        "from_port": from_port,
        "to_port": to_port,
        "icmp_type": icmp_type,
        "icmp_code": icmp_code,
    }


def _protocol(text: str) -> str:
    number = _NUMBERS.get(text.lower(), text)
    if number != "-1" and not (number.isascii() and number.isdecimal() and int(number) <= 255):
        raise InvalidParameterValue(f"Invalid value '{text}' for IP protocol. Unknown protocol.")
    return number if number == "-1" else str(int(number))


def _block(request: Mapping[str, Any]) -> dict[str, str]:
    if text := request.get("CidrBlock"):
        block = parse_block(text)
        if block is None:
            raise _bad_block(text, "cidrBlock")
        return {"cidr_ipv4": str(block), "cidr_ipv6": ""}
    if text := request.get("Ipv6CidrBlock"):
        block6 = parse_block6(text)
        if block6 is None:
            raise _bad_block(text, "ipv6CidrBlock")
        return {"cidr_ipv4": "", "cidr_ipv6": block6}
    raise MissingParameter("The request must contain the parameter cidrBlock or ipv6CidrBlock")


def _bad_block(text: str, member: str) -> Exception:
    return InvalidParameterValue(f"Value ({text}) for parameter {member} is invalid. This is not a valid CIDR block.")


def _ports(request: Mapping[str, Any]) -> tuple[int, int]:
    given = request.get("PortRange") or {}
    first, last = given.get("From"), given.get("To")
    if first is None or last is None:
        raise InvalidParameterValue("Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.")
    if not 0 <= first <= last <= 65535:
        raise InvalidParameterValue(f"Invalid TCP/UDP port range ({first}:{last})")
    return first, last


def _type_and_code(request: Mapping[str, Any]) -> tuple[int, int]:
    given = request.get("IcmpTypeCode") or {}
    type_, code = given.get("Type"), given.get("Code")
    if type_ is None or code is None:
        raise MissingParameter("The request must contain the parameter icmpTypeCode.type and icmpTypeCode.code")
    if not -1 <= type_ <= 255 or not -1 <= code <= 255:
        raise InvalidParameterValue(f"ICMP type ({type_}) or code ({code}) is out of range")
    return type_, code


def _no_such_entry(request: Mapping[str, Any]) -> Exception:
    direction = "egress" if request["Egress"] else "ingress"
    return InvalidNetworkAclEntryNotFound(
        f"The {direction} entry identified by {request['RuleNumber']} in network ACL {request['NetworkAclId']} "
        "does not exist"
    )
