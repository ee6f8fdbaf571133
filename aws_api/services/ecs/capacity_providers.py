"""Finding capacity providers, and which of them run tasks where."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import QuerySet

from aws_api.core.context import Context
from aws_api.services.ecs.models import CapacityProvider, Cluster
from aws_api.services.ecs.shapes import InvalidParameterException

#: Providers that every cluster may use; they run tasks of launch type FARGATE.
BUILT_IN = ("FARGATE", "FARGATE_SPOT")
MAX_STRATEGY = 20


def providers(context: Context) -> "QuerySet[CapacityProvider]":
    """The account's own capacity providers in the region."""
    return CapacityProvider.objects.filter(account_id=context.account_id, region=context.region)


def find_capacity_provider(context: Context, identifier: str) -> CapacityProvider | None:
    """The provider of a name or ARN."""
    return providers(context).filter(name=identifier.rpartition("/")[2]).first()


def check_strategy(cluster: Cluster, strategy: Iterable[Mapping[str, Any]]) -> None:
    """Raise InvalidParameterException for a strategy that the cluster cannot follow."""
    items = list(strategy)
    if len(items) > MAX_STRATEGY:
        raise InvalidParameterException(f"A capacity provider strategy can have at most {MAX_STRATEGY} items.")
    if sum(bool(item.get("base")) for item in items) > 1:
        raise InvalidParameterException("Only one capacity provider in a strategy can have a base defined.")
    kinds = {item["capacityProvider"] in BUILT_IN for item in items}
    if len(kinds) > 1:
        raise InvalidParameterException(
            "A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and "
            "Fargate providers. Specify one or the other and try again."
        )
    associated = {*BUILT_IN, *cluster.document.get("capacityProviders", ())}
    for item in items:
        if item["capacityProvider"] not in associated:
            raise InvalidParameterException(
                "The specified capacity provider strategy cannot contain a capacity provider that is not associated "
                "with the cluster. Associate the capacity provider with the cluster and try again."
            )
