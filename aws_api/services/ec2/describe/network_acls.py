"""Network ACLs as AWS's shapes."""

from aws_api.services.ec2 import shapes
from aws_api.services.ec2.describe.tags import describe_tags
from aws_api.services.ec2.models import NetworkAcl, NetworkAclEntry

#: The line that AWS shows at the end of every network ACL.
LAST_RULE_NUMBER = 32767


def describe_network_acl(acl: NetworkAcl) -> shapes.NetworkAcl:
    return {
        "NetworkAclId": acl.resource_id,
        "VpcId": acl.vpc.resource_id,
        "OwnerId": acl.account_id,
        "IsDefault": acl.is_default,
        "Entries": _describe_entries(acl),
        "Associations": [
            {
                "NetworkAclAssociationId": row.association_id,
                "NetworkAclId": acl.resource_id,
                "SubnetId": row.subnet.resource_id,
            }
            for row in acl.associations.all()
        ],
        "Tags": describe_tags(acl.tags),
    }


def describe_network_acl_entry(entry: NetworkAclEntry) -> shapes.NetworkAclEntry:
    shape: shapes.NetworkAclEntry = {
        "Egress": entry.is_egress,
        "Protocol": entry.protocol,
        "RuleAction": "allow" if entry.is_allow else "deny",
        "RuleNumber": entry.rule_number,
    }
    if entry.cidr_ipv4:
        shape["CidrBlock"] = entry.cidr_ipv4
    else:
        shape["Ipv6CidrBlock"] = entry.cidr_ipv6
    if entry.from_port is not None and entry.to_port is not None:
        shape["PortRange"] = {"From": entry.from_port, "To": entry.to_port}
    if entry.icmp_type is not None and entry.icmp_code is not None:
        shape["IcmpTypeCode"] = {"Type": entry.icmp_type, "Code": entry.icmp_code}
    return shape


def _describe_entries(acl: NetworkAcl) -> list[shapes.NetworkAclEntry]:
    entries = [describe_network_acl_entry(row) for row in acl.entries.all()]
    entries += [
        {
            "CidrBlock": "0.0.0.0/0",
            "Egress": is_egress,
            "Protocol": "-1",
            "RuleAction": "deny",
            "RuleNumber": LAST_RULE_NUMBER,
        }
        for is_egress in (True, False)
    ]
    return sorted(entries, key=lambda entry: (not entry["Egress"], entry["RuleNumber"]))
