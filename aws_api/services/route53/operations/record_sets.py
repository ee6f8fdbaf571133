"""Record sets and changes. https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/rrsets-working-with.html"""

from typing import Any

from django.db.models import Q

from aws_api.core.context import Context
from aws_api.services.route53.changes import apply_changes, record_change
from aws_api.services.route53.describe import describe_change
from aws_api.services.route53.listing import max_items
from aws_api.services.route53.models import Change
from aws_api.services.route53.names import canonical, sort_name
from aws_api.services.route53.operations.hosted_zones import refuse_managed
from aws_api.services.route53.service import route53
from aws_api.services.route53.shapes import (
    ChangeResourceRecordSetsRequest,
    GetChangeRequest,
    InvalidInput,
    ListResourceRecordSetsRequest,
    NoSuchChange,
)
from aws_api.services.route53.zones import find_zone

Shape = dict[str, Any]

MAX_RECORD_SETS = 300


@route53.operation
def change_resource_record_sets(context: Context, request: ChangeResourceRecordSetsRequest) -> Shape:
    """Create, delete and upsert record sets: all of the batch or nothing. Resolvers answer so at once."""
    zone = find_zone(context, request["HostedZoneId"])
    refuse_managed(zone)
    batch = request["ChangeBatch"]
    apply_changes(context, zone, batch["Changes"])
    return {"ChangeInfo": describe_change(record_change(context, batch.get("Comment", "")))}


@route53.operation
def list_resource_record_sets(context: Context, request: ListResourceRecordSetsRequest) -> Shape:
    """List a zone's record sets: by name, labels from the last to the first, then by type and identifier."""
    zone = find_zone(context, request["HostedZoneId"])
    limit = max_items(request, MAX_RECORD_SETS)
    rows = zone.record_sets.all()
    name, type_ = request.get("StartRecordName"), request.get("StartRecordType", "")
    identifier = request.get("StartRecordIdentifier", "")
    if (type_ and not name) or (identifier and not type_):
        raise InvalidInput("StartRecordName must be given with StartRecordType, and that with StartRecordIdentifier.")
    if name:
        begin = sort_name(canonical(name))
        rows = rows.filter(
            Q(sort_name__gt=begin)
            | Q(sort_name=begin, type__gt=type_)
            | Q(sort_name=begin, type=type_, set_identifier__gte=identifier)
        )
    page = list(rows.order_by("sort_name", "type", "set_identifier")[: limit + 1])
    answer: Shape = {
        "ResourceRecordSets": [row.document for row in page[:limit]],
        "IsTruncated": len(page) > limit,
        "MaxItems": str(limit),
    }
    if len(page) > limit:
        following = page[limit]
        answer |= {"NextRecordName": following.name, "NextRecordType": following.type}
        if following.set_identifier:
            answer["NextRecordIdentifier"] = following.set_identifier
    return answer


@route53.operation
def get_change(context: Context, request: GetChangeRequest) -> Shape:
    """A change is in force as soon as it was answered."""
    change_id = request["Id"].rpartition("/")[2]
    change = Change.objects.filter(account_id=context.account_id, change_id=change_id).first()
    if change is None:
        raise NoSuchChange(f"Could not find resource with ID: {change_id}")
    return {"ChangeInfo": describe_change(change)}
