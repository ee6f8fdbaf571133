"""Clusters: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/clusters.html"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Count, Q

from aws_api.core.context import Context
from aws_api.core.pagination import page_of_rows
from aws_api.core.tags import tags_from_list
from aws_api.services.ecs import describe
from aws_api.services.ecs.capacity_providers import BUILT_IN, find_capacity_provider
from aws_api.services.ecs.clusters import active_cluster, default_cluster, find_cluster
from aws_api.services.ecs.identifiers import cluster_arn, cluster_name, is_name
from aws_api.services.ecs.lifecycle import PENDING_STATUSES
from aws_api.services.ecs.models import Cluster, ClusterStatus, ContainerInstance, Service, ServiceStatus, Task
from aws_api.services.ecs.service import ecs
from aws_api.services.ecs.service_connect import ensure_namespace
from aws_api.services.ecs.shapes import (
    ClientException,
    ClusterContainsServicesException,
    ClusterContainsTasksException,
    CreateClusterRequest,
    DeleteClusterRequest,
    DescribeClustersRequest,
    InvalidParameterException,
    ListClustersRequest,
    PutClusterCapacityProvidersRequest,
    UpdateClusterRequest,
    UpdateClusterSettingsRequest,
)

Shape = dict[str, Any]

MAX_CLUSTERS = 100
_STORED = (
    "settings",
    "configuration",
    "capacityProviders",
    "defaultCapacityProviderStrategy",
    "serviceConnectDefaults",
)
_ALL_FIELDS = ("TAGS", "SETTINGS", "CONFIGURATIONS")
_LAUNCH_TYPES = {"EC2": "EC2", "Fargate": "FARGATE"}
_STATISTICS = tuple(f"{state}{kind}TasksCount" for kind in _LAUNCH_TYPES for state in ("running", "pending"))
_DEFAULT_SETTINGS = [{"name": "containerInsights", "value": "disabled"}]


@ecs.operation
def create_cluster(context: Context, request: CreateClusterRequest) -> Shape:
    """Create a cluster; creating it again answers the one that is there."""
    name = request.get("clusterName") or "default"
    if not is_name(name):
        raise InvalidParameterException("Invalid cluster name.")
    _check_capacity_providers(context, request)
    _check_exec(request)
    document = {"settings": _DEFAULT_SETTINGS, **_stored(request)}
    _have_namespace(context, request)
    fresh = {
        "status": ClusterStatus.ACTIVE,
        "document": document,
        "tags": tags_from_list(request.get("tags")),
        "created_at": context.clock.now(),
    }
    cluster, created = Cluster.objects.get_or_create(
        account_id=context.account_id, region=context.region, name=name, defaults=fresh
    )
    if not created and cluster.status == ClusterStatus.INACTIVE:
        Cluster.objects.filter(pk=cluster.pk).update(**fresh)
        cluster.refresh_from_db()
    return {"cluster": _described([cluster], _ALL_FIELDS)[0]}


def _have_namespace(context: Context, request: CreateClusterRequest | UpdateClusterRequest) -> None:
    """Make the namespace that a cluster is to have by default."""
    if namespace := request.get("serviceConnectDefaults", {}).get("namespace"):
        ensure_namespace(context, namespace)


@ecs.operation
def describe_clusters(context: Context, request: DescribeClustersRequest) -> Shape:
    """Describe clusters by name or ARN; without any, the default cluster. What is not there is a failure MISSING."""
    identifiers = request.get("clusters") or ["default"]
    if len(identifiers) > MAX_CLUSTERS:
        raise InvalidParameterException("Clusters cannot have more than 100 elements.")
    found, failures = [], []
    for identifier in identifiers:
        cluster = find_cluster(context, identifier)
        if cluster:
            found.append(cluster)
        else:
            arn = cluster_arn(context.account_id, context.region, cluster_name(identifier))
            failures.append({"arn": arn, "reason": "MISSING"})
    return {"clusters": _described(found, request.get("include", ())), "failures": failures}


@ecs.operation
def list_clusters(context: Context, request: ListClustersRequest) -> Shape:
    """ARNs of the active clusters."""
    default_cluster(context)
    page, token = page_of_rows(
        Cluster.objects.filter(account_id=context.account_id, region=context.region, status=ClusterStatus.ACTIVE),
        by="name",
        token=request.get("nextToken"),
        limit=request.get("maxResults") or 100,
        error=InvalidParameterException,
    )
    answer: Shape = {"clusterArns": [cluster.arn for cluster in page]}
    return {**answer, "nextToken": token} if token else answer


@ecs.operation
def delete_cluster(context: Context, request: DeleteClusterRequest) -> Shape:
    """Make a cluster without tasks INACTIVE."""
    cluster = active_cluster(context, request["cluster"])
    if cluster.services.filter(desired_status=ServiceStatus.ACTIVE).exists():
        raise ClusterContainsServicesException("The Cluster cannot be deleted while Services are active.")
    if cluster.tasks.exclude(last_status="STOPPED").exists():
        raise ClusterContainsTasksException("The Cluster cannot be deleted while Tasks are active.")
    Cluster.objects.filter(pk=cluster.pk).update(status=ClusterStatus.INACTIVE)
    cluster.status = ClusterStatus.INACTIVE
    return {"cluster": _described([cluster], _ALL_FIELDS)[0]}


@ecs.operation
def update_cluster(context: Context, request: UpdateClusterRequest) -> Shape:
    """Replace a cluster's settings, configuration and Service Connect defaults, each where given."""
    _check_exec(request)
    _have_namespace(context, request)
    return {"cluster": _updated(context, request["cluster"], _stored(request))}


@ecs.operation
def update_cluster_settings(context: Context, request: UpdateClusterSettingsRequest) -> Shape:
    """Replace the settings that are named."""
    return {"cluster": _updated(context, request["cluster"], _stored(request))}


@ecs.operation
def put_cluster_capacity_providers(context: Context, request: PutClusterCapacityProvidersRequest) -> Shape:
    """Associate capacity providers with a cluster, in place of those it had."""
    _check_capacity_providers(context, request)
    return {"cluster": _updated(context, request["cluster"], _stored(request))}


def _check_capacity_providers(
    context: Context, request: CreateClusterRequest | PutClusterCapacityProvidersRequest
) -> None:
    """Raise where a provider does not exist, or the default strategy has one that the cluster has not."""
    providers = set(request.get("capacityProviders", ()))
    for provider in providers - set(BUILT_IN):
        if find_capacity_provider(context, provider) is None:
            raise InvalidParameterException(
                "The specified capacity provider does not exist. Specify a valid name or ARN and try again."
            )
    for item in request.get("defaultCapacityProviderStrategy", ()):
        if item["capacityProvider"] not in providers:
            raise ClientException(
                "The specified capacity provider strategy cannot contain a capacity provider that is not associated "
                "with the cluster. Associate the capacity provider with the cluster and try again."
            )


def _check_exec(request: CreateClusterRequest | UpdateClusterRequest) -> None:
    """Raise where logs of ECS Exec are to go elsewhere, and nobody says where."""
    configuration = request.get("configuration", {}).get("executeCommandConfiguration", {})
    if configuration.get("logging") == "OVERRIDE" and not configuration.get("logConfiguration"):
        raise InvalidParameterException("logConfiguration must be provided when logging=OVERRIDE is specified.")


def _stored(request: Mapping[str, Any]) -> Shape:
    return {member: request[member] for member in _STORED if member in request}


def _updated(context: Context, identifier: str, change: Shape) -> Shape:
    cluster = active_cluster(context, identifier)
    if "settings" in change:
        settings = {setting["name"]: setting for setting in cluster.document.get("settings", _DEFAULT_SETTINGS)}
        settings.update({setting["name"]: setting for setting in change["settings"]})
        change = {**change, "settings": list(settings.values())}
    cluster.document = {**cluster.document, **change}
    Cluster.objects.filter(pk=cluster.pk).update(document=cluster.document)
    return _described([cluster], _ALL_FIELDS)[0]


def _described(clusters: list[Cluster], include: Iterable[str]) -> list[Shape]:
    counted = (
        Task.objects.filter(cluster__in=clusters)
        .values("cluster_id")
        .annotate(
            running=Count("pk", filter=Q(last_status="RUNNING")),
            pending=Count("pk", filter=Q(last_status__in=PENDING_STATUSES)),
            **{
                f"{state}{kind}TasksCount": Count("pk", filter=Q(last_status__in=statuses, launch_type=launch_type))
                for state, statuses in (("running", ("RUNNING",)), ("pending", PENDING_STATUSES))
                for kind, launch_type in _LAUNCH_TYPES.items()
            },
        )
    )
    counts: dict[int, Mapping[str, Any]] = {row["cluster_id"]: row for row in counted}
    instances = ContainerInstance.objects.filter(cluster__in=clusters).exclude(desired_status="INACTIVE")
    registered = set(instances.values_list("cluster_id", flat=True))
    nothing: Mapping[str, Any] = {"running": 0, "pending": 0}
    services = _service_counts(clusters)
    return [
        describe.cluster(
            cluster,
            running=counts.get(cluster.pk, nothing)["running"],
            pending=counts.get(cluster.pk, nothing)["pending"],
            instances=int(cluster.pk in registered),
            services=sum(
                count for (pk, status, _), count in services.items() if (pk, status) == (cluster.pk, "ACTIVE")
            ),
            statistics={
                **{name: counts.get(cluster.pk, nothing).get(name, 0) for name in _STATISTICS},
                **{
                    f"{word}{kind}ServiceCount": services[cluster.pk, status, launch_type]
                    for word, status in (("active", "ACTIVE"), ("draining", "DRAINING"))
                    for kind, launch_type in _LAUNCH_TYPES.items()
                },
            },
            include=include,
        )
        for cluster in clusters
    ]


def _service_counts(clusters: list[Cluster]) -> Counter[tuple[int, str, str]]:
    """How many services clusters have, by (cluster, status, launch type)."""
    rows = Service.objects.filter(cluster__in=clusters).exclude(last_status=ServiceStatus.INACTIVE)
    return Counter(
        (row.cluster_id, row.status, row.launch_type)
        for row in rows.only("cluster_id", "desired_status", "last_status", "launch_type")
    )
