"""DHCP option sets. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateDhcpOptions.html"""

from aws_api.core.context import Context
from aws_api.services.ec2 import describe, kinds, shapes
from aws_api.services.ec2.errors import DependencyViolation, InvalidParameterValue
from aws_api.services.ec2.filters import FilterTable
from aws_api.services.ec2.listing import listed
from aws_api.services.ec2.models import DhcpOptions, Vpc
from aws_api.services.ec2.quotas import DHCP_OPTIONS, check_quota
from aws_api.services.ec2.service import operation
from aws_api.services.ec2.store import demanded_id, find, find_to_delete, rows_of
from aws_api.services.ec2.tagging import tags_for
from aws_api.services.ec2.waking import wake

FILTERS = FilterTable(
    {
        "dhcp-options-id": "DhcpOptionsId",
        "key": "DhcpConfigurations.Key",
        "owner-id": "OwnerId",
        "value": "DhcpConfigurations.Values.Value",
    }
)
_KEYS = (
    "domain-name",
    "domain-name-servers",
    "ipv6-address-preferred-lease-time",
    "netbios-name-servers",
    "netbios-node-type",
    "ntp-servers",
)


@operation
def create_dhcp_options(context: Context, request: shapes.CreateDhcpOptionsRequest) -> shapes.CreateDhcpOptionsResult:
    """Make a set of options."""
    check_quota(DHCP_OPTIONS, rows_of(DhcpOptions, context))
    options = {}
    for configuration in request["DhcpConfigurations"]:
        key = configuration.get("Key", "")
        if key not in _KEYS:
            raise InvalidParameterValue(f"Value ({key}) for parameter name is invalid. Unknown DHCP option")
        options[key] = configuration.get("Values", [])
    row = DhcpOptions.objects.create(
        account_id=context.account_id,
        region=context.region,
        created_at=context.clock.now(),
        resource_id=demanded_id(context, kinds.DHCP_OPTIONS, DhcpOptions, "DhcpOptionsId"),
        tags=tags_for(kinds.DHCP_OPTIONS, request),
        options=options,
    )
    return {"DhcpOptions": describe.describe_dhcp_options(row)}


@operation
def associate_dhcp_options(context: Context, request: shapes.AssociateDhcpOptionsRequest) -> None:
    """Give a VPC a set of options; ``default`` takes it away."""
    vpc = find(Vpc, context, request["VpcId"], locked=True)
    asked = request["DhcpOptionsId"]
    options = None if asked == "default" else find(DhcpOptions, context, asked, locked=True)
    Vpc.objects.filter(pk=vpc.pk).update(dhcp_options=options)
    wake(vpc)


@operation
def delete_dhcp_options(context: Context, request: shapes.DeleteDhcpOptionsRequest) -> None:
    """Delete a set that no VPC has."""
    options = find_to_delete(DhcpOptions, context, request["DhcpOptionsId"])
    if options.vpcs.exists():
        raise DependencyViolation(f"The dhcpOptions '{options.resource_id}' has dependencies and cannot be deleted.")
    options.delete()


@operation
def describe_dhcp_options(
    context: Context, request: shapes.DescribeDhcpOptionsRequest
) -> shapes.DescribeDhcpOptionsResult:
    """List sets."""
    options, next_token = listed(
        request,
        rows_of(DhcpOptions, context),
        ids_member="DhcpOptionsIds",
        filters=FILTERS,
        describe=describe.describe_dhcp_options,
    )
    return {"DhcpOptions": options, **next_token}
