"""Services: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_services.html"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from aws_api.core.context import Context
from aws_api.core.pagination import page_of_rows
from aws_api.core.reconcile import kick
from aws_api.core.tags import tags_from_list
from aws_api.services.ecs import describe_services as describe
from aws_api.services.ecs import service_connect, service_rules
from aws_api.services.ecs.capacity_providers import BUILT_IN, check_strategy
from aws_api.services.ecs.clusters import active_cluster
from aws_api.services.ecs.configured_volumes import check_volumes
from aws_api.services.ecs.exec.agents import require_task_role
from aws_api.services.ecs.identifiers import service_arn, service_name
from aws_api.services.ecs.models import (
    Cluster,
    DeploymentStatus,
    Service,
    ServiceStatus,
    TaskDefinition,
)
from aws_api.services.ecs.operations.tagging import require_tags
from aws_api.services.ecs.roles import require_passing_roles, task_role_arn
from aws_api.services.ecs.scheduler.deploying import REVISION_MEMBERS, begin
from aws_api.services.ecs.scheduler.progress import KIND
from aws_api.services.ecs.service import ecs
from aws_api.services.ecs.services import active_service, find_service, services_of
from aws_api.services.ecs.shapes import (
    CreateServiceRequest,
    DeleteServiceRequest,
    DescribeServicesRequest,
    InvalidParameterException,
    ListServicesByNamespaceRequest,
    ListServicesRequest,
    ServiceNotFoundException,
    UnsupportedFeatureException,
    UpdateServiceRequest,
)
from aws_api.services.ecs.task_definitions import startable_task_definition

Shape = dict[str, Any]

MAX_DESCRIBED = 10
MAX_CLIENT_TOKEN = 36
#: What a service keeps of requests beside its revision; changes of these start no deployment.
_KEPT = (
    "placementConstraints",
    "placementStrategy",
    "healthCheckGracePeriodSeconds",
    "enableECSManagedTags",
    "propagateTags",
    "enableExecuteCommand",
    "availabilityZoneRebalancing",
    "gatewayConnectors",
    "monitoring",
)
#: What of a revision starts a deployment where it changes; a change of the strategy is refused without one.
_DEPLOYED = tuple(member for member in REVISION_MEMBERS if member != "capacityProviderStrategy")
#: What services with another controller leave to their task sets.
_TASK_SETS_OWN = ("taskDefinition", *_DEPLOYED, "forceNewDeployment")
_DEFAULTS = {
    "enableECSManagedTags": False,
    "enableExecuteCommand": False,
    "propagateTags": "NONE",
    "placementConstraints": [],
    "placementStrategy": [],
}


@ecs.operation
def create_service(context: Context, request: CreateServiceRequest) -> Shape:
    """Write a service and its first deployment; the scheduler starts its tasks."""
    cluster = active_cluster(context, request.get("cluster"))
    if (token := request.get("clientToken")) and len(token) > MAX_CLIENT_TOKEN:
        raise InvalidParameterException(f"clientToken longer than {MAX_CLIENT_TOKEN}.")
    if token and (known := services_of(cluster).filter(client_token=token, name=request["serviceName"]).first()):
        return {"service": describe.service(known)}
    service = _new_service(context, cluster, request)
    definition, revision = _wanted_revision(context, service, request)
    try:
        with transaction.atomic():
            service.save()
    except IntegrityError as error:
        raise _refusal_of_name(cluster, request["serviceName"]) from error
    if definition is not None:
        begin(service, definition, revision, context.clock.now())
    kick(KIND, service.arn)
    return {"service": describe.service(service)}


@ecs.operation
def update_service(context: Context, request: UpdateServiceRequest) -> Shape:
    """Change a service; what changes what its tasks are starts a deployment."""
    service = active_service(context, request.get("cluster"), request["service"], is_locked=True)
    _refuse_what_task_sets_own(service, request)
    if "desiredCount" in request:
        service_rules.check_count(request["desiredCount"], service.scheduling_strategy)
        service.desired_count = request["desiredCount"]
    service.document = {
        **service.document,
        **_given(request, _KEPT),
        "deploymentConfiguration": service_rules.deployment_configuration(
            request.get("deploymentConfiguration", {}),
            service.document["deploymentConfiguration"],
            service.scheduling_strategy,
            service.deployment_controller,
        ),
    }
    if service.deployment_controller == "ECS":
        _redeploy(context, service, request)
    Service.objects.filter(pk=service.pk).update(
        desired_count=service.desired_count, document=service.document, version=F("version") + 1
    )
    kick(KIND, service.arn)
    return {"service": describe.service(service)}


@ecs.operation
def delete_service(context: Context, request: DeleteServiceRequest) -> Shape:
    """Let a service go: DRAINING until its last task has stopped, then INACTIVE. Without force it must be at none."""
    service = active_service(
        context, request.get("cluster"), request["service"], is_locked=True, inactive=ServiceNotFoundException
    )
    is_daemon = service.scheduling_strategy == "DAEMON"
    if not request.get("force") and service.desired_count and not is_daemon:
        raise InvalidParameterException("The service cannot be stopped while it is scaled above 0.")
    if not request.get("force") and service.deployments.filter(is_task_set=True).exclude(
        last_status=DeploymentStatus.INACTIVE
    ):
        raise InvalidParameterException("The service cannot be stopped while it has task sets.")
    Service.objects.filter(pk=service.pk).update(
        desired_status=ServiceStatus.INACTIVE, desired_count=0, version=F("version") + 1
    )
    service.refresh_from_db()
    kick(KIND, service.arn)
    return {"service": describe.service(service)}


@ecs.operation
def describe_services(context: Context, request: DescribeServicesRequest) -> Shape:
    """Describe services by name or ARN; those that are not there are failures MISSING."""
    cluster = active_cluster(context, request.get("cluster"))
    identifiers = request["services"]
    if not identifiers:
        raise InvalidParameterException("Services cannot be empty.")
    if len(identifiers) > MAX_DESCRIBED:
        raise InvalidParameterException(f"Services can have at most {MAX_DESCRIBED} items.")
    found: dict[str, Service] = {}
    failures = []
    for identifier in identifiers:
        row = find_service(cluster, identifier)
        if row is None:
            name = service_name(identifier, cluster.name)
            arn = service_arn(context.account_id, context.region, cluster.name, name)
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            found[row.name] = row
    with_tags = "TAGS" in request.get("include", ())
    return {"services": describe.services(list(found.values()), with_tags=with_tags), "failures": failures}


@ecs.operation
def list_services(context: Context, request: ListServicesRequest) -> Shape:
    """ARNs of a cluster's active services, by launch type and scheduling strategy."""
    rows = services_of(active_cluster(context, request.get("cluster"))).filter(desired_status=ServiceStatus.ACTIVE)
    if launch_type := request.get("launchType"):
        rows = rows.filter(launch_type=launch_type)
    if strategy := request.get("schedulingStrategy"):
        rows = rows.filter(scheduling_strategy=strategy)
    if request.get("resourceManagementType") == "ECS":
        rows = rows.none()
    page, token = page_of_rows(
        rows,
        by="name",
        token=request.get("nextToken"),
        limit=request.get("maxResults") or 10,
        error=InvalidParameterException,
    )
    answer: Shape = {"serviceArns": [row.arn for row in page]}
    return {**answer, "nextToken": token} if token else answer


@ecs.operation
def list_services_by_namespace(context: Context, request: ListServicesByNamespaceRequest) -> Shape:
    """ARNs of the services whose Service Connect uses a namespace, in every cluster."""
    name = request["namespace"].rpartition("/")[2]
    rows = Service.objects.filter(
        account_id=context.account_id,
        region=context.region,
        desired_status=ServiceStatus.ACTIVE,
        deployments__last_status=DeploymentStatus.PRIMARY,
        deployments__document__serviceConnectConfiguration__enabled=True,
        deployments__document__serviceConnectConfiguration__namespace__in=(name, request["namespace"]),
    )
    page, token = page_of_rows(
        rows,
        by="arn",
        token=request.get("nextToken"),
        limit=request.get("maxResults") or 10,
        error=InvalidParameterException,
    )
    answer: Shape = {"serviceArns": [row.arn for row in page]}
    return {**answer, "nextToken": token} if token else answer


# What a service is to be ----------------------------------------------------------------------------------------------


def _new_service(context: Context, cluster: Cluster, request: CreateServiceRequest) -> Service:
    name, strategy = request["serviceName"], request.get("schedulingStrategy", "REPLICA")
    controller = request.get("deploymentController", {}).get("type", "ECS")
    service_rules.check_name(name)
    service_rules.check_one_of_launch(request)
    service_rules.check_controller(controller, request)
    if strategy == "DAEMON" and controller != "ECS":
        raise InvalidParameterException("The DAEMON scheduling strategy requires the ECS deployment controller.")
    count = request.get("desiredCount", 0)
    if "desiredCount" in request:
        service_rules.check_count(count, strategy)
    elif strategy == "REPLICA" and controller != "EXTERNAL":
        raise InvalidParameterException("desiredCount is required for services with the REPLICA scheduling strategy.")
    tags = tags_from_list(request.get("tags"))
    require_tags(tags)
    configuration = service_rules.deployment_configuration(
        request.get("deploymentConfiguration", {}), {}, strategy, controller
    )
    rebalancing = "ENABLED" if strategy == "REPLICA" and configuration["maximumPercent"] > 100 else "DISABLED"
    return Service(
        account_id=context.account_id,
        region=context.region,
        arn=service_arn(context.account_id, context.region, cluster.name, name),
        cluster=cluster,
        name=name,
        scheduling_strategy=strategy,
        deployment_controller=controller,
        client_token=request.get("clientToken", ""),
        desired_count=count,
        tags=tags,
        created_at=context.clock.now(),
        document={
            **_DEFAULTS,
            "availabilityZoneRebalancing": rebalancing,
            **_given(request, _KEPT),
            "deploymentConfiguration": configuration,
            "createdBy": context.principal.arn,
            **({"roleArn": request["role"]} if "role" in request else {}),
        },
    )


def _wanted_revision(
    context: Context, service: Service, request: CreateServiceRequest
) -> tuple[TaskDefinition | None, Shape]:
    """The first revision of a new service; nothing of one whose task sets say what runs."""
    if service.deployment_controller == "EXTERNAL":
        return None, {}
    if "taskDefinition" not in request:
        raise InvalidParameterException("TaskDefinition can not be blank.")
    definition = startable_task_definition(context, request["taskDefinition"])
    revision = {member: value for member, value in _given(request, REVISION_MEMBERS).items() if value}
    _fill_launch(service, revision)
    _check(context, service, definition, revision, "created")
    service.launch_type = revision.get("launchType", "")
    return definition, revision


def _given(request: Mapping[str, Any], members: Iterable[str]) -> Shape:
    return {member: request[member] for member in members if member in request}


def _fill_launch(service: Service, revision: Shape) -> None:
    """Where nobody says how tasks are launched, the cluster's strategy holds, and then EC2."""
    strategy = service.cluster.document.get("defaultCapacityProviderStrategy")
    if "capacityProviderStrategy" in revision:
        revision.pop("launchType", None)
    elif "launchType" not in revision:
        if strategy and service.scheduling_strategy == "REPLICA":
            revision["capacityProviderStrategy"] = strategy
        else:
            revision["launchType"] = "EC2"
    if "FARGATE" in _launch_types(revision):
        revision.setdefault("platformVersion", "LATEST")
        revision["platformFamily"] = "Linux"


def _launch_types(revision: Mapping[str, Any]) -> list[str]:
    strategy: Iterable[Mapping[str, Any]] = revision.get("capacityProviderStrategy", ())
    types = ["FARGATE" if each["capacityProvider"] in BUILT_IN else "EC2" for each in strategy]
    return types or [revision.get("launchType", "EC2")]


def _check(context: Context, service: Service, definition: TaskDefinition, revision: Shape, done: str) -> None:
    """Raise where a service cannot be ``done``: created or updated as asked."""
    service_rules.check_revision(definition, revision, service.scheduling_strategy, service.deployment_controller)
    if strategy := revision.get("capacityProviderStrategy"):
        check_strategy(service.cluster, strategy)
    service_rules.check_placements(service.document, _launch_types(revision), service.scheduling_strategy)
    service_rules.check_grace(service.document.get("healthCheckGracePeriodSeconds", 0), revision, definition)
    check_volumes(revision.get("volumeConfigurations", ()), definition)
    service_connect.check(context, service, definition, revision)
    if service.document.get("enableExecuteCommand"):
        role_arn = task_role_arn({}, definition.document, definition.account_id)
        for launch_type in _launch_types(revision):
            require_task_role(launch_type, role_arn, f"The service couldn't be {done}")
    require_passing_roles(context, definition.document, {})


def _redeploy(context: Context, service: Service, request: UpdateServiceRequest) -> None:
    """Start a deployment where the request changes what tasks are, or forces one."""
    primary = service.deployments.select_related("task_definition").get(last_status=DeploymentStatus.PRIMARY)
    before = {member: primary.document[member] for member in REVISION_MEMBERS if primary.document.get(member)}
    definition = primary.task_definition
    if "taskDefinition" in request:
        definition = startable_task_definition(context, request["taskDefinition"])
    asked = _given(request, REVISION_MEMBERS)
    revision = {member: value for member, value in {**before, **asked}.items() if value}
    _fill_launch(service, revision)
    _check(context, service, definition, revision, "updated")
    is_forced = request.get("forceNewDeployment", False)
    if revision.get("capacityProviderStrategy") != before.get("capacityProviderStrategy") and not is_forced:
        raise InvalidParameterException(
            "When switching from launch type to capacity provider strategy on an existing service, or making a change "
            "to a capacity provider strategy on a service that is already using one, you must force a new deployment."
        )
    is_changed = any(revision.get(member) != before.get(member) for member in _DEPLOYED if member in asked)
    if is_changed or definition.pk != primary.task_definition_id or is_forced:
        begin(service, definition, revision, context.clock.now())
    if service.launch_type != (launch_type := revision.get("launchType", "")):
        Service.objects.filter(pk=service.pk).update(launch_type=launch_type)


def _refuse_what_task_sets_own(service: Service, request: Mapping[str, Any]) -> None:
    controller = request.get("deploymentController", {}).get("type", service.deployment_controller)
    if controller != service.deployment_controller:
        raise UnsupportedFeatureException("Simfra does not change the deployment controller of a service.")
    if service.deployment_controller == "ECS":
        return
    for member in _TASK_SETS_OWN:
        if request.get(member):
            raise InvalidParameterException(
                f"Unable to update {member} on services with a {service.deployment_controller} deployment controller. "
                "Use the deployment controller's own API to start a deployment."
            )


def _refusal_of_name(cluster: Cluster, name: str) -> InvalidParameterException:
    found = find_service(cluster, name)
    if found is not None and found.desired_status != ServiceStatus.ACTIVE:
        return InvalidParameterException("Unable to Start a service that is still Draining.")
    return InvalidParameterException("Creation of service was not idempotent.")
