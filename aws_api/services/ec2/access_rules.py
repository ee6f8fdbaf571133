"""What EC2's operations need: the action on every resource that the request names or makes; Describe on ``*``.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aws_api.core.authorization import register_resource_tags
from aws_api.core.context import Context
from aws_api.core.database import fetch_row
from aws_api.core.service import Access
from aws_api.services.ec2.models import ec2_resources, model_of
from aws_api.services.ec2.service import ec2

#: The kind of resource, in ARNs, of an id's prefix, of what Simfra has no rows of.
_FOREIGN_KINDS = {
    "i": "instance",
    "vol": "volume",
}
#: What an operation makes, beside what its request names.
_MADE_BY = {
    "ec2:AllocateAddress": "elastic-ip",
    "ec2:CreateDefaultSubnet": "subnet",
    "ec2:CreateDefaultVpc": "vpc",
    "ec2:CreateDhcpOptions": "dhcp-options",
    "ec2:CreateEgressOnlyInternetGateway": "egress-only-internet-gateway",
    "ec2:CreateFlowLogs": "vpc-flow-log",
    "ec2:CreateInternetGateway": "internet-gateway",
    "ec2:CreateManagedPrefixList": "prefix-list",
    "ec2:CreateNatGateway": "natgateway",
    "ec2:CreateNetworkAcl": "network-acl",
    "ec2:CreateNetworkInterface": "network-interface",
    "ec2:CreateRouteTable": "route-table",
    "ec2:CreateSecurityGroup": "security-group",
    "ec2:CreateSubnet": "subnet",
    "ec2:CreateVpc": "vpc",
    "ec2:CreateVpcEndpoint": "vpc-endpoint",
    "ec2:CreateVpcPeeringConnection": "vpc-peering-connection",
}
#: Members that name resources and do not end as ids do.
_NAMING_MEMBERS = ("Groups", "Resources", "SecurityGroups")
#: Members that name what may be another account's.
_FOREIGN_MEMBERS = ("PeerVpcId",)
MAX_NAMED = 1000
_TABLES = {model.kind.name: model._meta.db_table for model in ec2_resources()}
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
        if member in _FOREIGN_MEMBERS:
            continue
        if member.endswith("Id"):
            values = [value]
        elif (member.endswith("Ids") or member in _NAMING_MEMBERS) and isinstance(value, list):
            values = value
        for resource_id in values:
            if isinstance(resource_id, str) and (kind := _kind_of(resource_id)):
                yield kind, resource_id


def _kind_of(resource_id: str) -> str | None:
    model = model_of(resource_id)
    return model.kind.name if model else _FOREIGN_KINDS.get(resource_id.partition("-")[0])


async def _tags(_context: Context, arn: str) -> Mapping[str, str]:
    """The tags of a resource of a kind that has a table here."""
    _, _, _, region, account_id, resource = arn.split(":", 5)
    kind, _, resource_id = resource.partition("/")
    table = _TABLES.get(kind)
    row = await fetch_row(_TAGS.format(table), account_id, region, resource_id) if table else None
    return row["tags"] if row else {}


register_resource_tags("ec2", _tags)
