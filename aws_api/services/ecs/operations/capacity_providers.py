"""Capacity providers: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cluster-capacity-providers.html"""

from collections.abc import Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.core.pagination import page_of_list
from aws_api.core.tags import tags_from_list
from aws_api.services.ecs import describe
from aws_api.services.ecs.capacity_providers import BUILT_IN, find_capacity_provider, providers
from aws_api.services.ecs.identifiers import capacity_provider_arn, is_name
from aws_api.services.ecs.models import CapacityProvider, Cluster, ClusterStatus
from aws_api.services.ecs.service import ecs
from aws_api.services.ecs.shapes import (
    ClientException,
    CreateCapacityProviderRequest,
    DeleteCapacityProviderRequest,
    DescribeCapacityProvidersRequest,
    InvalidParameterException,
    ResourceInUseException,
    UpdateCapacityProviderRequest,
)

Shape = dict[str, Any]

_STORED = ("autoScalingGroupProvider", "managedInstancesProvider")
_RESERVED = ("aws", "ecs", "fargate")


@ecs.operation
def create_capacity_provider(context: Context, request: CreateCapacityProviderRequest) -> Shape:
    """Create a capacity provider. Its scaling is stored: the engine is all the capacity there is."""
    name = request["name"]
    if not is_name(name) or name.lower().startswith(_RESERVED):
        raise InvalidParameterException("The capacity provider name is invalid. Change the name and try again.")
    document = _stored(request)
    if len(document) != 1:
        raise ClientException("Specify either an Auto Scaling group provider or a managed instances provider.")
    if find_capacity_provider(context, name):
        raise ClientException("The specified capacity provider already exists.")
    row = CapacityProvider.objects.create(
        account_id=context.account_id,
        region=context.region,
        name=name,
        document=document,
        tags=tags_from_list(request.get("tags")),
        created_at=context.clock.now(),
    )
    return {"capacityProvider": _describe(row, with_tags=True)}


@ecs.operation
def describe_capacity_providers(context: Context, request: DescribeCapacityProvidersRequest) -> Shape:
    """Describe capacity providers by name or ARN, all without any; FARGATE and FARGATE_SPOT are always there."""
    with_tags = "TAGS" in request.get("include", ())
    rows = {row.name: row for row in providers(context)}
    shapes = {name: _built_in(context, name) for name in BUILT_IN}
    shapes |= {name: _describe(row, with_tags=with_tags) for name, row in sorted(rows.items())}
    wanted = [identifier.rpartition("/")[2] for identifier in request.get("capacityProviders", ())] or list(shapes)
    page, token = page_of_list(
        [shapes[name] for name in wanted if name in shapes],
        token=request.get("nextToken"),
        limit=request.get("maxResults") or 10,
        error=InvalidParameterException,
    )
    failures = [
        {"arn": capacity_provider_arn(context.account_id, context.region, name), "reason": "MISSING"}
        for name in wanted
        if name not in shapes
    ]
    answer: Shape = {"capacityProviders": page, "failures": failures}
    return {**answer, "nextToken": token} if token else answer


@ecs.operation
def update_capacity_provider(context: Context, request: UpdateCapacityProviderRequest) -> Shape:
    """Change how a capacity provider scales."""
    row = _required(context, request["name"])
    for member, change in _stored(request).items():
        row.document = {**row.document, member: {**row.document.get(member, {}), **change}}
    CapacityProvider.objects.filter(pk=row.pk).update(document=row.document)
    return {"capacityProvider": {**_describe(row, with_tags=True), "updateStatus": "UPDATE_COMPLETE"}}


@ecs.operation
def delete_capacity_provider(context: Context, request: DeleteCapacityProviderRequest) -> Shape:
    """Delete a capacity provider that no cluster uses."""
    name = request["capacityProvider"].rpartition("/")[2]
    if name in BUILT_IN:
        raise ClientException("The FARGATE and FARGATE_SPOT capacity providers are reserved and can't be deleted.")
    row = _required(context, name)
    clusters = Cluster.objects.filter(account_id=context.account_id, region=context.region, status=ClusterStatus.ACTIVE)
    if any(name in cluster.document.get("capacityProviders", ()) for cluster in clusters):
        raise ResourceInUseException(
            "The specified capacity provider is in use and cannot be removed. Disassociate it from its clusters first."
        )
    row.delete()
    return {"capacityProvider": {**_describe(row, with_tags=True), "status": "INACTIVE"}}


def _stored(request: Mapping[str, Any]) -> Shape:
    return {member: request[member] for member in _STORED if request.get(member)}


def _required(context: Context, name: str) -> CapacityProvider:
    row = find_capacity_provider(context, name)
    if row is None:
        raise ClientException(
            "The specified capacity provider does not exist. Specify a valid name or ARN and try again."
        )
    return row


def _describe(row: CapacityProvider, *, with_tags: bool) -> Shape:
    is_group = "autoScalingGroupProvider" in row.document
    return {
        **row.document,
        "capacityProviderArn": row.arn,
        "name": row.name,
        "status": "ACTIVE",
        "type": "EC2_AUTOSCALING" if is_group else "MANAGED_INSTANCES",
        "tags": describe.tags(row.tags) if with_tags else [],
    }


def _built_in(context: Context, name: str) -> Shape:
    arn = capacity_provider_arn(context.account_id, context.region, name)
    return {"capacityProviderArn": arn, "name": name, "status": "ACTIVE", "type": name, "tags": []}
