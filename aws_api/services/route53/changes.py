"""A batch of changes of record sets: all of it or nothing.

https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from aws_api.core.context import Context
from aws_api.core.ids import new_upper_id
from aws_api.services.route53.models import Change, HostedZone, RecordSet
from aws_api.services.route53.names import canonical, is_within, sort_name
from aws_api.services.route53.publishing import advance, lock, publish_names
from aws_api.services.route53.shapes import InvalidChangeBatch, InvalidInput
from aws_api.services.route53.values import problem_of

_KEPT_CHANGES = timedelta(days=1)
MAX_CHANGES = 1000
#: How a set is chosen among others of its name and type, by the member that says so; a set has at most one of them.
ROUTING = {
    "Weight": "weighted",
    "Region": "latency",
    "GeoLocation": "geolocation",
    "Failover": "failover",
    "MultiValueAnswer": "multivalue answer",
    "CidrRoutingConfig": "CIDR",
    "GeoProximityLocation": "geoproximity",
}


def record_change(context: Context, comment: str = "") -> Change:
    """A change to answer with; the account's old ones are forgotten."""
    now = context.clock.now()
    Change.objects.filter(account_id=context.account_id, submitted_at__lt=now - _KEPT_CHANGES).delete()
    return Change.objects.create(
        change_id=f"C{new_upper_id(20)}", account_id=context.account_id, comment=comment, submitted_at=now
    )


def apply_changes(context: Context, zone: HostedZone, changes: Sequence[Mapping[str, Any]]) -> None:
    """Make the changes one after the other. Raises InvalidChangeBatch with everything that is wrong."""
    if len(changes) > MAX_CHANGES:
        raise InvalidChangeBatch(f"[Number of records limit of {MAX_CHANGES} exceeded.]")
    zone = lock(zone)
    problems, names = [], []
    for change in changes:
        record_set = {**change["ResourceRecordSet"], "Name": canonical(change["ResourceRecordSet"]["Name"])}
        problem = _problem(zone, change["Action"], record_set) or _apply(zone, change["Action"], record_set)
        if problem:
            problems.append(problem)
        names.append(record_set["Name"])
    if problems:
        raise InvalidChangeBatch(f"[{', '.join(problems)}]")
    advance(context, zone)
    publish_names(zone, names)


def _problem(zone: HostedZone, action: str, record_set: Mapping[str, Any]) -> str | None:
    """What is wrong with a set by itself."""
    name, type_ = record_set["Name"], record_set["Type"]
    if not is_within(name, zone.name):
        return f"RRSet with DNS name {name} is not permitted in zone {zone.name}"
    if any(not label or len(label) > 63 for label in name.rstrip(".").split(".")):
        return f"FATAL problem: DomainLabelTooLong (Domain label is too long) encountered with '{name}'"
    if type_ == "CNAME" and name == zone.name:
        return f"RRSet of type CNAME with DNS name {name} is not permitted at apex in zone {zone.name}"
    if action == "DELETE" and name == zone.name and type_ in ("SOA", "NS"):
        least = "exactly one SOA record" if type_ == "SOA" else "at least one NS record for the zone itself"
        return f"A HostedZone must contain {least}."
    return _problem_of_members(record_set) or _problem_of_values(record_set)


def _problem_of_members(record_set: Mapping[str, Any]) -> str | None:
    named = f"RRSet with DNS name {record_set['Name']}, type {record_set['Type']}"
    routing = [member for member in ROUTING if member in record_set]
    if len(routing) > 1:
        raise InvalidInput(
            "Invalid XML ; only one of Weight, Region, GeoLocation, Failover and MultiValueAnswer may be specified"
        )
    if bool(routing) != bool(record_set.get("SetIdentifier")):
        missing = "SetIdentifier" if routing else "Weight, Region, GeoLocation, Failover or MultiValueAnswer"
        raise InvalidInput(f"Invalid request: Missing field '{missing}' in Change with [{named}]")
    alias = "AliasTarget" in record_set
    if alias and ("TTL" in record_set or record_set.get("ResourceRecords")):
        raise InvalidInput(
            "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or "
            f"TrafficPolicyInstanceId], but found more than one in Change with [{named}]"
        )
    if not alias and ("TTL" not in record_set or not record_set.get("ResourceRecords")):
        raise InvalidInput(
            "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or "
            f"TrafficPolicyInstanceId], but found none in Change with [{named}]"
        )
    if alias and record_set["Type"] in ("NS", "SOA"):
        return f"{named} cannot be an alias"
    return None


def _problem_of_values(record_set: Mapping[str, Any]) -> str | None:
    values = [record["Value"] for record in record_set.get("ResourceRecords", ())]
    for value in values:
        if problem := problem_of(record_set["Type"], value):
            return problem
    if len(set(values)) != len(values):
        return f"Duplicate Resource Record: '{next(value for value in values if values.count(value) > 1)}'"
    if len(values) > 1 and record_set["Type"] in ("CNAME", "SOA"):
        return (
            f"RRSet of type {record_set['Type']} with DNS name {record_set['Name']} contains {len(values)} resource "
            "records, but it must contain exactly one"
        )
    return None


def _apply(zone: HostedZone, action: str, record_set: Mapping[str, Any]) -> str | None:
    """Make one change; what is wrong with it beside what is there, or None."""
    name, type_, identifier = record_set["Name"], record_set["Type"], record_set.get("SetIdentifier", "")
    same_name = zone.record_sets.filter(sort_name=sort_name(name))
    existing = same_name.filter(type=type_, set_identifier=identifier).first()
    told = f", set identifier='{identifier}'" if identifier else ""
    tried = f"resource record set [name='{name}', type='{type_}'{told}]"
    if action == "DELETE":
        if existing is None:
            return f"Tried to delete {tried} but it was not found"
        if _compared(existing.document) != _compared(record_set):
            return f"Tried to delete {tried} but the values provided do not match the current values"
        existing.delete()
        return None
    if action == "CREATE" and existing is not None:
        return f"Tried to create {tried} but it already exists"
    if problem := _conflict(zone, list(same_name), record_set):
        return problem
    RecordSet.objects.update_or_create(
        zone=zone,
        sort_name=sort_name(name),
        type=type_,
        set_identifier=identifier,
        defaults={"name": name, "document": record_set},
    )
    return None


def _conflict(zone: HostedZone, same_name: Sequence[RecordSet], record_set: Mapping[str, Any]) -> str | None:
    name, type_ = record_set["Name"], record_set["Type"]
    if type_ == "CNAME" and any(row.type != "CNAME" for row in same_name):
        return (
            f"RRSet of type CNAME with DNS name {name} is not permitted as it conflicts with other records with the "
            f"same DNS name in zone {zone.name}"
        )
    if type_ != "CNAME" and any(row.type == "CNAME" for row in same_name):
        return (
            f"RRSet of type {type_} with DNS name {name} is not permitted because a conflicting RRSet of type CNAME "
            f"with the same DNS name already exists in zone {zone.name}"
        )
    mine = _routing_of(record_set)
    identifier = record_set.get("SetIdentifier", "")
    others = {_routing_of(row.document) for row in same_name if row.type == type_ and row.set_identifier != identifier}
    if others and others != {mine}:
        word = ROUTING.get(mine, "simple")
        return (
            f"RRSet with DNS name {name}, type {type_}, SetIdentifier {identifier} cannot be created as a "
            f"non-{word} set exists with the same name and type"
        )
    return None


def _routing_of(record_set: Mapping[str, Any]) -> str:
    return next((member for member in ROUTING if member in record_set), "")


def _compared(record_set: Mapping[str, Any]) -> dict[str, Any]:
    """A set as two are compared: values in any order, an alias's name in any spelling."""
    values = sorted(record["Value"] for record in record_set.get("ResourceRecords", ()))
    compared = {**record_set, "ResourceRecords": values}
    if alias := record_set.get("AliasTarget"):
        compared["AliasTarget"] = {**alias, "DNSName": canonical(alias["DNSName"])}
    return compared
