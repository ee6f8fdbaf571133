"""What a name resolves to in a VPC, and where the answer comes from: read from what the VPC's resolver is told."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

from aws_api.core.dns import DnsRecord, DnsZone, VpcReference, zones_of
from aws_api.core.errors import AwsError
from aws_api.services.ec2.models import VpcNetwork
from console.scope import Scope

TYPES = ("A", "AAAA", "CNAME", "TXT", "SRV", "MX", "PTR", "NS", "SOA")
#: Docker publishes the resolvers there.
RESOLVER_ADDRESS = "127.0.0.1"
ANSWER_WITHIN_S = 2.0
MAX_STEPS = 8
MAX_NAMESPACES, MAX_SERVICES, MAX_INSTANCES = 100, 100, 100
_ENDPOINT_SUFFIXES = (".amazonaws.com", ".api.aws")


@dataclass(frozen=True, kw_only=True)
class Step:
    """A name on the way to the answer, the records that are known for it, and whose they are."""

    name: str
    source: str
    records: Sequence[DnsRecord] = ()
    #: The instances of the Cloud Map service of this name, with their health.
    instances: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, kw_only=True)
class NameAnswer:
    """What the VPC's resolver answers (None while it does not run), and the way there by what is known."""

    steps: Sequence[Step]
    status: str = ""
    answers: Sequence[str] | None = None
    problem: str = ""


def look_up(scope: Scope, vpc_id: str, name: str, kind: str) -> NameAnswer:
    """Ask for a name as a task in the VPC would."""
    name = name.strip().lower().rstrip(".")
    zones = zones_of(VpcReference(account_id=scope.account_id, region=scope.region, vpc_id=vpc_id))
    steps = list(_steps(scope, zones, name, kind))
    row = VpcNetwork.objects.filter(
        account_id=scope.account_id, region=scope.region, key__endswith=f"/{vpc_id}"
    ).first()
    if row is None or not row.last_dns_port:
        return NameAnswer(steps=steps, problem="The VPC's resolver runs once a task does: nobody was asked.")
    try:
        question = dns.message.make_query(name, kind)
        answer = dns.query.udp(question, RESOLVER_ADDRESS, port=row.last_dns_port, timeout=ANSWER_WITHIN_S)
    except (dns.exception.DNSException, OSError) as error:
        return NameAnswer(steps=steps, problem=f"The VPC's resolver did not answer: {error or type(error).__name__}")
    answers = [line for found in answer.answer for line in found.to_text().splitlines()]
    return NameAnswer(steps=steps, status=dns.rcode.to_text(answer.rcode()), answers=answers)


def namespaces(scope: Scope) -> list[dict[str, Any]]:
    """Cloud Map's namespaces, each with its services and their instances with health."""
    found = scope.call("servicediscovery", "ListNamespaces", MaxResults=MAX_NAMESPACES)["Namespaces"]
    return [{**namespace, "services": _services(scope, namespace["Id"])} for namespace in found]


def _steps(scope: Scope, zones: Sequence[DnsZone], name: str, kind: str) -> Iterator[Step]:
    """The names from one to the next by CNAME and alias, each with its records."""
    for _ in range(MAX_STEPS):
        zone = _zone_of(zones, name)
        if zone is None:
            yield Step(name=name, source=_beyond_zones(name))
            return
        of_name = [record for record in zone.records if record.name == name]
        of_name = of_name or [record for record in zone.records if _covers(record.name, name)]
        records = [record for record in of_name if record.type in (kind, "CNAME")]
        source, instances = _owner(scope, zone, name)
        yield Step(name=name, source=source, records=records, instances=instances)
        onward = [
            record.alias or record.values[0].rstrip(".")
            for record in records
            if record.alias or _leads_on(record, kind)
        ]
        if not onward:
            return
        name = onward[0].lower()


def _leads_on(record: DnsRecord, kind: str) -> bool:
    return record.type == "CNAME" and kind != "CNAME" and bool(record.values)


def _zone_of(zones: Sequence[DnsZone], name: str) -> DnsZone | None:
    """The most particular zone that a name is in."""
    inside = [zone for zone in zones if name == zone.name or name.endswith(f".{zone.name}")]
    return max(inside, key=lambda zone: len(zone.name), default=None)


def _covers(pattern: str, name: str) -> bool:
    return pattern.startswith("*.") and name.endswith(pattern[1:])


def _beyond_zones(name: str) -> str:
    if name.endswith(_ENDPOINT_SUFFIXES):
        return "an AWS endpoint: Simfra's own address in the VPC where it has the service, else upstream"
    if name == "localhost" or name.endswith(".localhost"):
        return "the resolver itself: the loopback address"
    if name.endswith((".ec2.internal", ".compute.internal", ".in-addr.arpa")):
        return "the VPC's own names of addresses, else upstream"
    return "upstream: no zone of the VPC has it"


def _owner(scope: Scope, zone: DnsZone, name: str) -> tuple[str, Sequence[Mapping[str, Any]]]:
    """Whose a zone is, and for Cloud Map the instances of the service that has the name."""
    for namespace in scope.call("servicediscovery", "ListNamespaces", MaxResults=MAX_NAMESPACES)["Namespaces"]:
        if namespace["Name"].lower() == zone.name and namespace["Type"] != "HTTP":
            services = _services(scope, namespace["Id"])
            service = next((each for each in services if f"{each['Name'].lower()}.{zone.name}" == name), None)
            of_service = f", service {service['Name']}" if service else ""
            return f"Cloud Map namespace {namespace['Name']}{of_service}", service["instances"] if service else ()
    if zone.name.endswith(_ENDPOINT_SUFFIXES):
        return f"load balancers' zone {zone.name}", ()
    return f"hosted zone {zone.name}", ()


def _services(scope: Scope, namespace_id: str) -> list[dict[str, Any]]:
    wanted = {"Filters": [{"Name": "NAMESPACE_ID", "Values": [namespace_id]}], "MaxResults": MAX_SERVICES}
    services = scope.call("servicediscovery", "ListServices", **wanted)["Services"]
    return [{**service, "instances": _instances(scope, service["Id"])} for service in services]


def _instances(scope: Scope, service_id: str) -> list[dict[str, Any]]:
    listed = scope.call("servicediscovery", "ListInstances", ServiceId=service_id, MaxResults=MAX_INSTANCES)
    if not listed["Instances"]:
        return []
    try:
        health = scope.call("servicediscovery", "GetInstancesHealthStatus", ServiceId=service_id)["Status"]
    except AwsError:
        health = {}  # the last one left meanwhile
    return [{**each, "health": health.get(each["Id"], "UNKNOWN")} for each in listed["Instances"]]
