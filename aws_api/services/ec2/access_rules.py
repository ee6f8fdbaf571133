"""What EC2's operations need: the action on every resource that the request names or makes; Describe on ``*``.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aws_api.core.authorization import register_resource_tags
from aws_api.core.context import Context
from aws_api.core.database import fetch_row
from aws_api.core.service import Access
from aws_api.services.ec2.service import ec2

#: The kind of resource, in ARNs, of an id's prefix.
_KINDS = {
    "acl": "network-acl",
    "dopt": "dhcp-options",
    "eigw": "egress-only-internet-gateway",
    "eipalloc": "elastic-ip",
    "eni": "network-interface",
    "i": "instance",
    "igw": "internet-gateway",
    "nat": "natgateway",
    "rtb": "route-table",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "subnet": "subnet",
    "vol": "volume",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}
#: What an operation makes, beside what its request names.
_MADE_BY = {
    "ec2:CreateDefaultSubnet": "subnet",
    "ec2:CreateDefaultVpc": "vpc",
    "ec2:CreateDhcpOptions": "dhcp-options",
    "ec2:CreateInternetGateway": "internet-gateway",
    "ec2:CreateNetworkInterface": "network-interface",
    "ec2:CreateRouteTable": "route-table",
    "ec2:CreateSecurityGroup": "security-group",
    "ec2:CreateSubnet": "subnet",
    "ec2:CreateVpc": "vpc",
}
_NAMING_MEMBERS = ("GroupIds", "Groups", "Resources", "SecurityGroupIds")
MAX_NAMED = 1000
_TABLES = {
    "dhcp-options": "ec2_dhcpoptions",
    "internet-gateway": "ec2_internetgateway",
    "network-acl": "ec2_networkacl",
    "network-interface": "ec2_networkinterface",
    "route-table": "ec2_routetable",
    "security-group": "ec2_securitygroup",
    "security-group-rule": "ec2_securitygrouprule",
    "subnet": "ec2_subnet",
    "vpc": "ec2_vpc",
}
_TAGS = "SELECT tags FROM {} WHERE account_id = $1 AND region = $2 AND resource_id = $3"


@ec2.access
def needed(context: Context, action: str, request: Mapping[str, Any]) -> Iterable[Access]:
    """The permissions of a call."""
    if action.startswith(("ec2:Describe", "ec2:Get")):
        return ((action, "*", {"ec2:Region": context.region}),)
    prefix = f"arn:aws:ec2:{context.region}:{context.account_id}:"
    keys = {"ec2:Region": context.region}
    named = dict.fromkeys(_named(request))
    resources = [f"{prefix}{kind}/{resource_id}" for kind, resource_id in list(named)[:MAX_NAMED]]
    if made := _MADE_BY.get(action):
        resources.append(f"{prefix}{made}/*")
        if request.get("TagSpecifications"):
            creating = {**keys, "ec2:CreateAction": action.partition(":")[2]}
            return [
                *((action, resource, keys) for resource in resources),
                ("ec2:CreateTags", f"{prefix}{made}/*", creating),
            ]
    return [(action, resource, keys) for resource in resources or ["*"]]


def _named(request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(kind, id) of every resource that a member names by its id."""
    for member, value in request.items():
        values: list[Any] = []
        if member.endswith("Id"):
            values = [value]
        elif member in _NAMING_MEMBERS and isinstance(value, list):
            values = value
        for resource_id in values:
            if isinstance(resource_id, str) and (kind := _KINDS.get(resource_id.partition("-")[0])):
                yield kind, resource_id


async def _tags(_context: Context, arn: str) -> Mapping[str, str]:
    """The tags of a resource of a kind that has a table here."""
    _, _, _, region, account_id, resource = arn.split(":", 5)
    kind, _, resource_id = resource.partition("/")
    table = _TABLES.get(kind)
    row = await fetch_row(_TAGS.format(table), account_id, region, resource_id) if table else None
    return row["tags"] if row else {}


register_resource_tags("ec2", _tags)
