"""Rows of Route 53 as AWS's shapes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aws_api.services.route53.models import Change, HealthCheck, HostedZone, VpcAuthorization, ZoneVpc
from aws_api.services.route53.zones import PUBLIC_SERVERS

Shape = dict[str, Any]


def describe_zone(zone: HostedZone, record_count: int) -> Shape:
    shape: Shape = {
        "Id": f"/hostedzone/{zone.zone_id}",
        "Name": zone.name,
        "CallerReference": zone.caller_reference,
        "Config": {**({"Comment": zone.comment} if zone.comment else {}), "PrivateZone": zone.is_private},
        "ResourceRecordSetCount": record_count,
    }
    if zone.owner:
        shape["LinkedService"] = {"ServicePrincipal": zone.owner, "Description": zone.owner_description}
    return shape


def describe_delegation(zone: HostedZone) -> Shape:
    """The name servers of a public zone."""
    return {} if zone.is_private else {"DelegationSet": {"NameServers": list(PUBLIC_SERVERS)}}


def describe_vpc(row: ZoneVpc | VpcAuthorization) -> Shape:
    return {"VPCRegion": row.region, "VPCId": row.vpc_id}


def describe_change(change: Change) -> Shape:
    shape: Shape = {"Id": f"/change/{change.change_id}", "Status": "INSYNC", "SubmittedAt": change.submitted_at}
    return {**shape, "Comment": change.comment} if change.comment else shape


def describe_health_check(check: HealthCheck) -> Shape:
    return {
        "Id": check.health_check_id,
        "CallerReference": check.caller_reference,
        "HealthCheckConfig": check.document,
        "HealthCheckVersion": check.version,
    }


def describe_observation(at: datetime) -> Mapping[str, Any]:
    """What one of AWS's checkers says of a health check."""
    return {
        "Region": "us-east-1",
        "IPAddress": "15.177.2.1",
        "StatusReport": {"Status": "Success: nothing is probed", "CheckedTime": at},
    }
