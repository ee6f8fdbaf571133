"""Container instances: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/create-capacity.html"""

from collections.abc import Iterable
from typing import Any

from django.db.models import F

from aws_api.core.context import Context
from aws_api.core.pagination import page_of_list
from aws_api.services.ecs.clusters import active_cluster
from aws_api.services.ecs.container_instances import (
    arn_of,
    attributes_of,
    describe,
    engine_of,
    load_of,
    placement_instance,
)
from aws_api.services.ecs.expressions import check_expression, parse
from aws_api.services.ecs.models import Cluster, ContainerInstance
from aws_api.services.ecs.scheduler.waking import wake_services
from aws_api.services.ecs.service import ecs
from aws_api.services.ecs.shapes import (
    AttributeLimitExceededException,
    DeleteAttributesRequest,
    DescribeContainerInstancesRequest,
    InvalidParameterException,
    ListAttributesRequest,
    ListContainerInstancesRequest,
    PutAttributesRequest,
    TargetNotFoundException,
    UpdateContainerInstancesStateRequest,
)

Shape = dict[str, Any]

MAX_INSTANCES = 100
MAX_UPDATED = 10
MAX_ATTRIBUTES = 10
_TARGET = "container-instance"


@ecs.operation
def list_container_instances(context: Context, request: ListContainerInstancesRequest) -> Shape:
    """ARNs of the cluster's container instances that have the status and satisfy the filter, where there are such."""
    instance = engine_of(active_cluster(context, request.get("cluster")))
    is_wanted = instance.desired_status != "INACTIVE"
    is_wanted = is_wanted and request.get("status", instance.desired_status) == instance.desired_status
    if expression := request.get("filter"):
        check_expression(expression, InvalidParameterException)
        is_wanted = is_wanted and parse(expression)(placement_instance(instance, load_of(instance)).subjects)
    page, token = page_of_list(
        [instance.arn] if is_wanted else [],
        token=request.get("nextToken"),
        limit=request.get("maxResults") or 100,
        error=InvalidParameterException,
    )
    return {"containerInstanceArns": page, "nextToken": token} if token else {"containerInstanceArns": page}


@ecs.operation
def describe_container_instances(context: Context, request: DescribeContainerInstancesRequest) -> Shape:
    """Describe container instances; those that are not there are failures MISSING."""
    cluster = active_cluster(context, request.get("cluster"))
    instance, failures = _found(cluster, request["containerInstances"], MAX_INSTANCES)
    described = [describe(instance, load_of(instance), request.get("include", ()))] if instance else []
    return {"containerInstances": described, "failures": failures}


@ecs.operation
def update_container_instances_state(context: Context, request: UpdateContainerInstancesStateRequest) -> Shape:
    """Drain instances, or let them take tasks again. Services move theirs; standalone tasks stay where they are."""
    cluster = active_cluster(context, request.get("cluster"))
    if request["status"] not in ("ACTIVE", "DRAINING"):
        raise InvalidParameterException("Container instances can be set to ACTIVE or DRAINING only.")
    instance, failures = _found(cluster, request["containerInstances"], MAX_UPDATED)
    if instance is not None and instance.desired_status == "INACTIVE":
        failures, instance = [*failures, {"arn": instance.arn, "reason": "INACTIVE"}], None
    if instance is None:
        return {"containerInstances": [], "failures": failures}
    ContainerInstance.objects.filter(pk=instance.pk).update(desired_status=request["status"], version=F("version") + 1)
    instance.refresh_from_db()
    wake_services(cluster)
    return {"containerInstances": [describe(instance, load_of(instance))], "failures": failures}


@ecs.operation
def put_attributes(context: Context, request: PutAttributesRequest) -> Shape:
    """Put attributes on container instances; one of the same name is replaced."""
    instance = engine_of(active_cluster(context, request.get("cluster")))
    _require_few(request["attributes"])
    for attribute in request["attributes"]:
        _require_target(instance, attribute)
        if attribute["name"].startswith(("ecs.", "com.amazonaws.")):
            raise InvalidParameterException(f"The attribute name {attribute['name']} is reserved.")
    put = {attribute["name"]: attribute.get("value", "") for attribute in request["attributes"]}
    attributes = {**instance.desired_attributes, **put}
    if len(attributes) > MAX_ATTRIBUTES:
        raise AttributeLimitExceededException(f"A resource can have at most {MAX_ATTRIBUTES} custom attributes.")
    _write(instance, attributes)
    return {"attributes": [_attribute(instance, name, put[name]) for name in put]}


@ecs.operation
def list_attributes(context: Context, request: ListAttributesRequest) -> Shape:
    """Attributes of the cluster's container instances, by name and value."""
    instance = engine_of(active_cluster(context, request.get("cluster")))
    name, value = request.get("attributeName"), request.get("attributeValue")
    shapes = [
        _attribute(instance, each, its_value)
        for each, its_value in sorted(attributes_of(instance).items())
        if name in (None, "", each) and value in (None, "", its_value)
    ]
    page, token = page_of_list(
        shapes, token=request.get("nextToken"), limit=request.get("maxResults") or 100, error=InvalidParameterException
    )
    return {"attributes": page, "nextToken": token} if token else {"attributes": page}


@ecs.operation
def delete_attributes(context: Context, request: DeleteAttributesRequest) -> Shape:
    """Take custom attributes away; those that are not there are left out of the answer."""
    instance = engine_of(active_cluster(context, request.get("cluster")))
    _require_few(request["attributes"])
    for attribute in request["attributes"]:
        _require_target(instance, attribute)
    names = [each["name"] for each in request["attributes"] if each["name"] in instance.desired_attributes]
    deleted = [_attribute(instance, name, instance.desired_attributes[name]) for name in names]
    _write(instance, {name: value for name, value in instance.desired_attributes.items() if name not in names})
    return {"attributes": deleted}


def _found(
    cluster: Cluster, identifiers: Iterable[str], most: int
) -> tuple[ContainerInstance | None, list[dict[str, str]]]:
    """The cluster's instance where it is named, and a failure for each other name."""
    named = list(identifiers)
    if not named:
        raise InvalidParameterException("Container instance cannot be empty.")
    if len(named) > most:
        raise InvalidParameterException(f"Container instances cannot have more than {most} elements.")
    instance = engine_of(cluster)
    arns = [arn_of(cluster, identifier) for identifier in named]
    failures = [{"arn": arn, "reason": "MISSING"} for arn in arns if arn != instance.arn]
    return (instance if instance.arn in arns else None), failures


def _require_few(attributes: Iterable[Any]) -> None:
    if len(list(attributes)) > MAX_ATTRIBUTES:
        raise InvalidParameterException(f"attributes can have at most {MAX_ATTRIBUTES} items.")


def _require_target(instance: ContainerInstance, attribute: Any) -> None:
    target = attribute.get("targetId", "")
    if attribute.get("targetType", _TARGET) != _TARGET or arn_of(instance.cluster, target) != instance.arn:
        raise TargetNotFoundException(f"The specified target was not found: {target}")


def _write(instance: ContainerInstance, attributes: dict[str, str]) -> None:
    ContainerInstance.objects.filter(pk=instance.pk).update(desired_attributes=attributes, version=F("version") + 1)


def _attribute(instance: ContainerInstance, name: str, value: str) -> Shape:
    shape = {"name": name, "targetType": _TARGET, "targetId": instance.arn}
    return {**shape, "value": value} if value else shape
