"""Regions, availability zones, and what an account may have.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAvailabilityZones.html
"""

from aws_api.core.context import Context
from aws_api.services.ec2 import shapes
from aws_api.services.ec2.errors import InvalidParameterValue
from aws_api.services.ec2.filters import FilterTable
from aws_api.services.ec2.models import Vpc
from aws_api.services.ec2.service import operation
from aws_api.services.ec2.store import rows_of
from aws_api.services.ec2.zones import Zone, opt_in_status, regions, zones_of

REGION_FILTERS = FilterTable({"endpoint": "Endpoint", "opt-in-status": "OptInStatus", "region-name": "RegionName"})
ZONE_FILTERS = FilterTable(
    {
        "group-long-name": "GroupLongName",
        "group-name": "GroupName",
        "message": "Messages.Message",
        "opt-in-status": "OptInStatus",
        "parent-zone-id": "ParentZoneId",
        "parent-zone-name": "ParentZoneName",
        "region-name": "RegionName",
        "state": "State",
        "zone-id": "ZoneId",
        "zone-name": "ZoneName",
        "zone-type": "ZoneType",
    }
)
#: AWS's quotas of a new account.
_QUOTAS = {
    "max-instances": "20",
    "vpc-max-security-groups-per-interface": "5",
    "max-elastic-ips": "5",
    "vpc-max-elastic-ips": "5",
}


@operation
def describe_regions(context: Context, request: shapes.DescribeRegionsRequest) -> shapes.DescribeRegionsResult:
    """List the regions; all of them are enabled."""
    names = request.get("RegionNames") or [*regions(), *({context.region} - set(regions()))]
    for name in names:
        if name not in regions() and name != context.region:
            raise InvalidParameterValue(f"Invalid region name: '{name}'")
    wanted = REGION_FILTERS.predicate(request.get("Filters"))
    described = [_describe_region(name) for name in names]
    return {"Regions": [region for region in described if wanted(region)]}


@operation
def describe_availability_zones(
    context: Context, request: shapes.DescribeAvailabilityZonesRequest
) -> shapes.DescribeAvailabilityZonesResult:
    """List the zones of the region."""
    names, ids = request.get("ZoneNames") or [], request.get("ZoneIds") or []
    zones = zones_of(context.region)
    if unknown := [name for name in names if name not in {zone.name for zone in zones}]:
        raise InvalidParameterValue(f"Invalid availability zone: [{', '.join(unknown)}]")
    if unknown := [zone_id for zone_id in ids if zone_id not in {zone.zone_id for zone in zones}]:
        raise InvalidParameterValue(f"Invalid availability zone-id: [{', '.join(unknown)}]")
    wanted = ZONE_FILTERS.predicate(request.get("Filters"))
    described = [
        _describe_zone(zone) for zone in zones if (not names or zone.name in names) and (not ids or zone.zone_id in ids)
    ]
    return {"AvailabilityZones": [zone for zone in described if wanted(zone)]}


@operation
def describe_account_attributes(
    context: Context, request: shapes.DescribeAccountAttributesRequest
) -> shapes.DescribeAccountAttributesResult:
    """Tell the default VPC and the quotas."""
    default = rows_of(Vpc, context).filter(is_default=True).first()
    values = {
        "supported-platforms": "VPC",
        "default-vpc": default.resource_id if default else "none",
        **_QUOTAS,
    }
    wanted: list[str] = [*(request.get("AttributeNames") or values)]
    return {
        "AccountAttributes": [
            {"AttributeName": name, "AttributeValues": [{"AttributeValue": values[name]}]}
            for name in wanted
            if name in values
        ]
    }


def _describe_region(name: str) -> shapes.Region:
    return {"RegionName": name, "Endpoint": f"ec2.{name}.amazonaws.com", "OptInStatus": opt_in_status(name)}


def _describe_zone(zone: Zone) -> shapes.AvailabilityZone:
    return {
        "ZoneName": zone.name,
        "ZoneId": zone.zone_id,
        "RegionName": zone.region,
        "GroupName": f"{zone.region}-zg-1",
        "NetworkBorderGroup": zone.region,
        "ZoneType": "availability-zone",
        "State": "available",
        "OptInStatus": "opt-in-not-required",
        "Messages": [],
    }
