"""Namespaces. https://docs.aws.amazon.com/cloud-map/latest/dg/working-with-namespaces.html"""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count

from aws_api.core.context import Context
from aws_api.core.dns import VpcReference, ZoneExists, hosted_zones
from aws_api.core.errors import AwsError
from aws_api.core.ids import new_suffix
from aws_api.core.tags import tags_from_list
from aws_api.services.servicediscovery import carrying_out
from aws_api.services.servicediscovery.describe import describe_namespace, summarise_namespace
from aws_api.services.servicediscovery.listing import Column, filtered, owner_filter, page
from aws_api.services.servicediscovery.models import Namespace, NamespaceType
from aws_api.services.servicediscovery.service import servicediscovery
from aws_api.services.servicediscovery.shapes import (
    CreateHttpNamespaceRequest,
    CreatePrivateDnsNamespaceRequest,
    CreatePublicDnsNamespaceRequest,
    DeleteNamespaceRequest,
    GetNamespaceRequest,
    InvalidInput,
    ListNamespacesRequest,
    NamespaceAlreadyExists,
    ResourceInUse,
    UpdateHttpNamespaceRequest,
    UpdatePrivateDnsNamespaceRequest,
    UpdatePublicDnsNamespaceRequest,
)
from aws_api.services.servicediscovery.store import find_namespace

Shape = dict[str, Any]

OWNER = "servicediscovery.amazonaws.com"
DEFAULT_SOA_TTL_S = 15
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


@servicediscovery.operation
def create_http_namespace(context: Context, request: CreateHttpNamespaceRequest) -> Shape:
    """Make a namespace that is asked by API calls alone."""
    return _create(context, request, NamespaceType.HTTP)


@servicediscovery.operation
def create_private_dns_namespace(context: Context, request: CreatePrivateDnsNamespaceRequest) -> Shape:
    """Make a namespace whose names a VPC resolves."""
    return _create(context, request, NamespaceType.DNS_PRIVATE, vpc_id=request["Vpc"])


@servicediscovery.operation
def create_public_dns_namespace(context: Context, request: CreatePublicDnsNamespaceRequest) -> Shape:
    """Make a namespace whose names everybody resolves."""
    return _create(context, request, NamespaceType.DNS_PUBLIC)


@servicediscovery.operation
def get_namespace(context: Context, request: GetNamespaceRequest) -> Shape:
    """Describe a namespace."""
    namespace = find_namespace(context, request["Id"])
    return {"Namespace": describe_namespace(namespace, namespace.services.count())}


@servicediscovery.operation
def list_namespaces(context: Context, request: ListNamespacesRequest) -> Shape:
    """List the account's namespaces."""
    rows = Namespace.objects.filter(account_id=context.account_id, region=context.region)
    columns: dict[str, Column] = {"TYPE": "type", "NAME": "name", "HTTP_NAME": "name", "RESOURCE_OWNER": owner_filter}
    rows = filtered(rows, request.get("Filters", ()), columns).annotate(service_count=Count("services"))
    found, token = page(rows, request, by="namespace_id")
    return {
        "Namespaces": [summarise_namespace(row, getattr(row, "service_count")) for row in found],  # noqa: B009
        **token,
    }


@servicediscovery.operation
def update_http_namespace(context: Context, request: UpdateHttpNamespaceRequest) -> Shape:
    """Change the description."""
    return _update(context, request, NamespaceType.HTTP)


@servicediscovery.operation
def update_private_dns_namespace(context: Context, request: UpdatePrivateDnsNamespaceRequest) -> Shape:
    """Change the description, and how long a missing name may be remembered."""
    return _update(context, request, NamespaceType.DNS_PRIVATE)


@servicediscovery.operation
def update_public_dns_namespace(context: Context, request: UpdatePublicDnsNamespaceRequest) -> Shape:
    """The same of a public namespace."""
    return _update(context, request, NamespaceType.DNS_PUBLIC)


@servicediscovery.operation
def delete_namespace(context: Context, request: DeleteNamespaceRequest) -> Shape:
    """Delete a namespace without services, and its hosted zone."""
    namespace = find_namespace(context, request["Id"], locked=True)
    if namespace.services.exists():
        raise ResourceInUse("Namespace contains registered services; delete the services before deleting the namespace")
    if namespace.hosted_zone_id:
        hosted_zones().delete(context, namespace.hosted_zone_id)
    namespace.delete()
    targets = {"NAMESPACE": namespace.namespace_id}
    return carrying_out.succeeded(context, "DELETE_NAMESPACE", targets, namespace.namespace_id)


def _create(context: Context, request: Mapping[str, Any], type_: NamespaceType, vpc_id: str = "") -> Shape:
    name = request["Name"] if type_ == NamespaceType.HTTP else request["Name"].rstrip(".")
    _refuse_existing(context, name, type_, vpc_id)
    namespace_id = _new_id(context)
    soa_ttl_s = _soa_ttl_s(request.get("Properties", {}), DEFAULT_SOA_TTL_S)
    zone_id = ""
    if type_ != NamespaceType.HTTP:
        vpc = VpcReference(account_id=context.account_id, region=context.region, vpc_id=vpc_id) if vpc_id else None
        arn = f"arn:aws:servicediscovery:{context.region}:{context.account_id}:namespace/{namespace_id}"
        try:
            zone_id = hosted_zones().create(
                context,
                name=name,
                vpc=vpc,
                comment=f"Created by AWS Cloud Map ({arn})",
                owner=OWNER,
                soa_ttl_s=soa_ttl_s,
            )
        except ZoneExists as error:
            return carrying_out.failed(context, "CREATE_NAMESPACE", "CANNOT_CREATE_HOSTED_ZONE", str(error))
        except AwsError as error:
            return carrying_out.failed(context, "CREATE_NAMESPACE", "CANNOT_CREATE_HOSTED_ZONE", error.message)
    try:
        with transaction.atomic():
            Namespace.objects.create(
                account_id=context.account_id,
                region=context.region,
                created_at=context.clock.now(),
                tags=tags_from_list(request.get("Tags")),
                namespace_id=namespace_id,
                name=name,
                type=type_,
                description=request.get("Description", ""),
                creator_request_id=request.get("CreatorRequestId", ""),
                vpc_id=vpc_id,
                hosted_zone_id=zone_id,
                soa_ttl_s=soa_ttl_s,
            )
    except IntegrityError as error:
        raise NamespaceAlreadyExists(f"Namespace with name {name} already exists.") from error
    return carrying_out.succeeded(context, "CREATE_NAMESPACE", {"NAMESPACE": namespace_id}, namespace_id)


def _refuse_existing(context: Context, name: str, type_: NamespaceType, vpc_id: str) -> None:
    """Names are taken within an account and region; private ones within their VPC."""
    rows = Namespace.objects.filter(account_id=context.account_id, region=context.region, name=name)
    if type_ == NamespaceType.DNS_PRIVATE:
        rows = rows.exclude(type=NamespaceType.DNS_PRIVATE) | rows.filter(vpc_id=vpc_id)
    if existing := rows.first():
        raise NamespaceAlreadyExists(
            f"Namespace with name {name} already exists.",
            CreatorRequestId=existing.creator_request_id,
            NamespaceId=existing.namespace_id,
        )


def _new_id(context: Context) -> str:
    demanded = context.forced_id("NamespaceId")
    if demanded is None:
        return f"ns-{new_suffix(16, _ALPHABET)}"
    rows = Namespace.objects.filter(account_id=context.account_id, region=context.region, namespace_id=demanded)
    if not demanded.startswith("ns-") or rows.exists():
        raise InvalidInput(f"The id {demanded} that was asked for is taken, or does not begin with ns-")
    return demanded


def _update(context: Context, request: Mapping[str, Any], type_: NamespaceType) -> Shape:
    namespace = find_namespace(context, request["Id"], locked=True)
    if namespace.type != type_:
        raise InvalidInput(f"Namespace {namespace.namespace_id} is not of type {type_}")
    change = request["Namespace"]
    namespace.description = change.get("Description", namespace.description)
    soa_ttl_s = _soa_ttl_s(change.get("Properties", {}), namespace.soa_ttl_s)
    if soa_ttl_s != namespace.soa_ttl_s:
        namespace.soa_ttl_s = soa_ttl_s
        hosted_zones().set_soa_ttl(context, namespace.hosted_zone_id, soa_ttl_s)
    namespace.save(update_fields=["description", "soa_ttl_s"])
    targets = {"NAMESPACE": namespace.namespace_id}
    return carrying_out.succeeded(context, "UPDATE_NAMESPACE", targets, namespace.namespace_id)


def _soa_ttl_s(properties: Mapping[str, Any], otherwise: int) -> int:
    ttl_s: int = properties.get("DnsProperties", {}).get("SOA", {}).get("TTL", otherwise)
    return ttl_s
