"""The record sets of an instance in its namespace's hosted zone.

https://docs.aws.amazon.com/cloud-map/latest/api/API_RegisterInstance.html, API_DnsRecord.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.core.dns import DnsRecord, ManagedRecord, RecordPolicy, hosted_zones
from aws_api.services.servicediscovery.models import Health, Instance, Service
from aws_api.services.servicediscovery.shapes import InvalidInput

ADDRESS, LONG_ADDRESS, PORT = "AWS_INSTANCE_IPV4", "AWS_INSTANCE_IPV6", "AWS_INSTANCE_PORT"
CNAME, ALIAS = "AWS_INSTANCE_CNAME", "AWS_ALIAS_DNS_NAME"
_ATTRIBUTE_OF = {"A": ADDRESS, "AAAA": LONG_ADDRESS, "CNAME": CNAME}
#: The hosted zone that AWS names for load balancers of us-east-1.
_LOAD_BALANCERS_ZONE = "Z35SXDOTRQ7X7K"


def put_records(context: Context, service: Service, instance: Instance) -> None:
    """Make the zone have an instance's record sets, as they are now."""
    if service.namespace.hosted_zone_id:
        records = list(_records(service, instance))
        hosted_zones().put(context, service.namespace.hosted_zone_id, _key(service, instance.instance_id), records)


def remove_records(context: Context, service: Service, instance_id: str) -> None:
    """Take an instance's record sets out of the zone."""
    if service.namespace.hosted_zone_id:
        hosted_zones().put(context, service.namespace.hosted_zone_id, _key(service, instance_id), [])


def check_attributes(service: Service, attributes: Mapping[str, str]) -> None:
    """That an instance has what its service's records are made of. Raises InvalidInput."""
    types = [record["Type"] for record in _dns_config(service).get("DnsRecords", ())]
    if ALIAS in attributes:
        if _policy(service) is not RecordPolicy.WEIGHTED and types:
            raise InvalidInput(f"{ALIAS} is only supported for services with the routing policy WEIGHTED")
        return
    for type_ in types:
        if type_ == "SRV":
            if PORT not in attributes:
                raise InvalidInput(f"Missing required attribute {PORT}, which records of type SRV need")
        elif _ATTRIBUTE_OF[type_] not in attributes:
            raise InvalidInput(f"Missing required attribute {_ATTRIBUTE_OF[type_]}, which records of type {type_} need")


def _records(service: Service, instance: Instance) -> Iterator[ManagedRecord]:
    name = f"{service.name}.{service.namespace.name}"
    attributes: Mapping[str, str] = instance.attributes
    is_healthy = instance.health == Health.HEALTHY
    for configured in _dns_config(service).get("DnsRecords", ()):
        type_, ttl_s = configured["Type"], configured["TTL"]
        values: tuple[str, ...] = ()
        if type_ == "SRV":
            host = f"{instance.instance_id}.{name}"
            values = (f"1 1 {attributes[PORT]} {host}",) if PORT in attributes else ()
            yield from _host_records(host, ttl_s, attributes, is_healthy)
        elif (attribute := _ATTRIBUTE_OF[type_]) in attributes:
            values = (attributes[attribute],)
        is_alias = ALIAS in attributes and type_ in ("A", "AAAA")
        if values or is_alias:
            record = DnsRecord(
                name=name,
                type=type_,
                ttl_s=ttl_s,
                values=() if is_alias else values,
                policy=_policy(service),
                alias=attributes[ALIAS] if is_alias else "",
            )
            yield ManagedRecord(
                record=record,
                identifier=instance.instance_id,
                is_healthy=is_healthy,
                alias_zone_id=_LOAD_BALANCERS_ZONE if is_alias else "",
            )


def _host_records(host: str, ttl_s: int, attributes: Mapping[str, str], is_healthy: bool) -> Iterator[ManagedRecord]:
    """What the target of an SRV record resolves to."""
    for type_, attribute in (("A", ADDRESS), ("AAAA", LONG_ADDRESS)):
        if attribute in attributes:
            record = DnsRecord(name=host, type=type_, ttl_s=ttl_s, values=(attributes[attribute],))
            yield ManagedRecord(record=record, is_healthy=is_healthy)


def _policy(service: Service) -> RecordPolicy:
    is_weighted = _dns_config(service).get("RoutingPolicy") == "WEIGHTED"
    return RecordPolicy.WEIGHTED if is_weighted else RecordPolicy.MULTIVALUE


def _dns_config(service: Service) -> Mapping[str, Any]:
    config: Mapping[str, Any] = service.document.get("DnsConfig", {})
    return config


def _key(service: Service, instance_id: str) -> str:
    return f"{service.service_id}/{instance_id}"
