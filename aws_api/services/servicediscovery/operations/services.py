"""Services. https://docs.aws.amazon.com/cloud-map/latest/dg/working-with-services.html"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Count, Q

from aws_api.core.context import Context
from aws_api.core.ids import new_suffix
from aws_api.core.tags import tags_from_list
from aws_api.services.servicediscovery import carrying_out
from aws_api.services.servicediscovery.describe import describe_service, summarise_service
from aws_api.services.servicediscovery.listing import Column, filtered, owner_filter, page
from aws_api.services.servicediscovery.models import Namespace, NamespaceType, Service, ServiceType
from aws_api.services.servicediscovery.record_sets import put_records
from aws_api.services.servicediscovery.service import servicediscovery
from aws_api.services.servicediscovery.shapes import (
    CreateServiceRequest,
    DeleteServiceAttributesRequest,
    DeleteServiceRequest,
    GetServiceAttributesRequest,
    GetServiceRequest,
    InvalidInput,
    ListServicesRequest,
    ResourceInUse,
    ServiceAlreadyExists,
    ServiceAttributesLimitExceededException,
    UpdateServiceAttributesRequest,
    UpdateServiceRequest,
)
from aws_api.services.servicediscovery.store import find_namespace, find_service

Shape = dict[str, Any]

MAX_ATTRIBUTES = 30
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_STORED = ("HealthCheckConfig", "HealthCheckCustomConfig")


@servicediscovery.operation
def create_service(context: Context, request: CreateServiceRequest) -> Shape:
    """Make a service in a namespace."""
    dns = request.get("DnsConfig")
    namespace_id = request.get("NamespaceId") or (dns.get("NamespaceId") if dns else None)
    if not namespace_id:
        raise InvalidInput("NamespaceId must be specified")
    namespace = find_namespace(context, namespace_id, locked=True)
    _check(namespace, request)
    existing = namespace.services.filter(name__iexact=request["Name"]).first()
    reference = request.get("CreatorRequestId", "")
    if existing is not None:
        if reference and existing.creator_request_id == reference:
            return {"Service": describe_service(existing, existing.instances.count())}
        raise ServiceAlreadyExists(
            "Service already exists.",
            CreatorRequestId=existing.creator_request_id,
            ServiceId=existing.service_id,
            ServiceArn=existing.arn,
        )
    service = Service.objects.create(
        account_id=context.account_id,
        region=context.region,
        created_at=context.clock.now(),
        tags=tags_from_list(request.get("Tags")),
        namespace=namespace,
        service_id=_new_id(context),
        name=request["Name"],
        type=ServiceType.DNS_HTTP if dns else ServiceType.HTTP,
        description=request.get("Description", ""),
        creator_request_id=reference,
        document=_document(request, namespace),
        has_health=any(member in request for member in _STORED),
    )
    return {"Service": describe_service(service, 0)}


@servicediscovery.operation
def get_service(context: Context, request: GetServiceRequest) -> Shape:
    """Describe a service."""
    service = find_service(context, request["Id"])
    return {"Service": describe_service(service, service.instances.count())}


@servicediscovery.operation
def list_services(context: Context, request: ListServicesRequest) -> Shape:
    """List the account's services."""
    rows = Service.objects.filter(account_id=context.account_id, region=context.region)
    columns: dict[str, Column] = {"NAMESPACE_ID": _in_namespaces, "RESOURCE_OWNER": owner_filter}
    rows = filtered(rows, request.get("Filters", ()), columns).annotate(instance_count=Count("instances"))
    found, token = page(rows, request, by="service_id")
    return {
        "Services": [summarise_service(row, getattr(row, "instance_count")) for row in found],  # noqa: B009
        **token,
    }


@servicediscovery.operation
def update_service(context: Context, request: UpdateServiceRequest) -> Shape:
    """Change the description, the records and the health check. What is left out of the last two is taken away."""
    service = find_service(context, request["Id"], locked=True)
    change = request["Service"]
    service.description = change.get("Description", service.description)
    document = dict(service.document)
    records = change.get("DnsConfig", {}).get("DnsRecords")
    if records is not None:
        kept = {record["Type"] for record in document.get("DnsConfig", {}).get("DnsRecords", ())}
        if not {record["Type"] for record in records} <= kept:
            raise InvalidInput("Types of DNS records cannot be added to a service")
        document["DnsConfig"] = {**document["DnsConfig"], "DnsRecords": records}
    if "HealthCheckConfig" in change:
        document["HealthCheckConfig"] = change["HealthCheckConfig"]
    else:
        document.pop("HealthCheckConfig", None)
    service.document = document
    service.has_health = any(member in document for member in _STORED)
    service.save(update_fields=["description", "document", "has_health"])
    if records is not None:
        for instance in service.instances.order_by("pk"):
            put_records(context, service, instance)
    targets = {"SERVICE": service.service_id}
    return carrying_out.succeeded(context, "UPDATE_SERVICE", targets, service.namespace.namespace_id)


@servicediscovery.operation
def delete_service(context: Context, request: DeleteServiceRequest) -> Shape:
    """Delete a service without instances."""
    service = find_service(context, request["Id"], locked=True)
    if service.instances.exists():
        raise ResourceInUse("Service contains registered instances; delete the instances before deleting the service")
    service.delete()
    return {}


@servicediscovery.operation
def get_service_attributes(context: Context, request: GetServiceAttributesRequest) -> Shape:
    """The attributes of the service itself."""
    service = find_service(context, request["ServiceId"])
    return {
        "ServiceAttributes": {
            "ServiceArn": service.arn,
            "ResourceOwner": service.account_id,
            "Attributes": service.attributes,
        }
    }


@servicediscovery.operation
def update_service_attributes(context: Context, request: UpdateServiceAttributesRequest) -> Shape:
    """Add and change attributes."""
    service = find_service(context, request["ServiceId"], locked=True)
    attributes = {**service.attributes, **request["Attributes"]}
    if len(attributes) > MAX_ATTRIBUTES:
        raise ServiceAttributesLimitExceededException(f"A service has at most {MAX_ATTRIBUTES} attributes.")
    Service.objects.filter(pk=service.pk).update(attributes=attributes)
    return {}


@servicediscovery.operation
def delete_service_attributes(context: Context, request: DeleteServiceAttributesRequest) -> Shape:
    """Take attributes away."""
    service = find_service(context, request["ServiceId"], locked=True)
    attributes = {key: value for key, value in service.attributes.items() if key not in request["Attributes"]}
    Service.objects.filter(pk=service.pk).update(attributes=attributes)
    return {}


def _check(namespace: Namespace, request: CreateServiceRequest) -> None:
    """What the model cannot say of a service's members. Raises InvalidInput."""
    dns = request.get("DnsConfig")
    if "HealthCheckConfig" in request and "HealthCheckCustomConfig" in request:
        raise InvalidInput("Specify either HealthCheckConfig or HealthCheckCustomConfig, not both")
    if "HealthCheckConfig" in request and namespace.type != NamespaceType.DNS_PUBLIC:
        raise InvalidInput("HealthCheckConfig is only supported for services in public DNS namespaces")
    if dns is None:
        return
    if namespace.type == NamespaceType.HTTP or request.get("Type") == "HTTP":
        raise InvalidInput("DnsConfig cannot be specified for a service that is discovered by HTTP alone")
    types = [record["Type"] for record in dns["DnsRecords"]]
    if len(set(types)) != len(types):
        raise InvalidInput("Each type of DNS record can be specified once")
    if "CNAME" in types and (len(types) > 1 or dns.get("RoutingPolicy") != "WEIGHTED"):
        raise InvalidInput("A CNAME record must be the only one, and needs the routing policy WEIGHTED")
    if namespace.type == NamespaceType.DNS_PUBLIC and "HealthCheckConfig" in request and "CNAME" in types:
        raise InvalidInput("HealthCheckConfig is not supported with CNAME records")


def _document(request: Mapping[str, Any], namespace: Namespace) -> Shape:
    document = {member: request[member] for member in _STORED if member in request}
    if dns := request.get("DnsConfig"):
        document["DnsConfig"] = {"RoutingPolicy": "MULTIVALUE", **dns, "NamespaceId": namespace.namespace_id}
    if "HealthCheckCustomConfig" in document:
        # Whatever is asked for: Cloud Map waits for one failure.
        document["HealthCheckCustomConfig"] = {"FailureThreshold": 1}
    return document


def _new_id(context: Context) -> str:
    demanded = context.forced_id("ServiceId")
    if demanded is None:
        return f"srv-{new_suffix(16, _ALPHABET)}"
    rows = Service.objects.filter(account_id=context.account_id, region=context.region, service_id=demanded)
    if not demanded.startswith("srv-") or rows.exists():
        raise InvalidInput(f"The id {demanded} that was asked for is taken, or does not begin with srv-")
    return demanded


def _in_namespaces(values: Sequence[str]) -> Q:
    return Q(namespace__namespace_id__in=[value.rpartition("/")[2] for value in values])
