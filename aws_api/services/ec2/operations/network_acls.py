"""Network ACLs: the default one of each VPC.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkAcls.html
"""

from aws_api.core.context import Context
from aws_api.services.ec2 import shapes
from aws_api.services.ec2.describe import describe_network_acl
from aws_api.services.ec2.filters import FilterTable
from aws_api.services.ec2.listing import listed
from aws_api.services.ec2.models import NetworkAcl
from aws_api.services.ec2.service import operation
from aws_api.services.ec2.store import rows_of

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


@operation
def describe_network_acls(
    context: Context, request: shapes.DescribeNetworkAclsRequest
) -> shapes.DescribeNetworkAclsResult:
    """List network ACLs."""
    rows = rows_of(NetworkAcl, context).select_related("vpc").prefetch_related("associations__subnet", "entries")
    acls, next_token = listed(request, rows, ids_member="NetworkAclIds", filters=FILTERS, describe=describe_network_acl)
    return {"NetworkAcls": acls, **next_token}
