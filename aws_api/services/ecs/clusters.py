"""Finding a cluster by whatever its caller calls it; the cluster ``default`` is there without being created."""

from aws_api.core.context import Context
from aws_api.services.ecs.identifiers import DEFAULT_CLUSTER, cluster_name
from aws_api.services.ecs.models import Cluster, ClusterStatus
from aws_api.services.ecs.shapes import ClusterNotFoundException


def find_cluster(context: Context, identifier: str | None) -> Cluster | None:
    """The cluster of a name or ARN, active or not."""
    name = cluster_name(identifier)
    if name == DEFAULT_CLUSTER:
        return default_cluster(context)
    return Cluster.objects.filter(account_id=context.account_id, region=context.region, name=name).first()


def active_cluster(context: Context, identifier: str | None) -> Cluster:
    """The active cluster of a name or ARN. Raises ClusterNotFoundException."""
    cluster = find_cluster(context, identifier)
    if cluster is None:
        raise ClusterNotFoundException("Cluster not found.")
    if cluster.status != ClusterStatus.ACTIVE:
        raise ClusterNotFoundException("The referenced cluster was inactive.")
    return cluster


def default_cluster(context: Context) -> Cluster:
    """The account's default cluster in the region, made where nobody has used it before."""
    cluster, _ = Cluster.objects.get_or_create(
        account_id=context.account_id,
        region=context.region,
        name=DEFAULT_CLUSTER,
        defaults={"created_at": context.clock.now(), "document": {}},
    )
    return cluster
