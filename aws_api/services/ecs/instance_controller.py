"""Asks the engine what it is, and writes that down for each cluster's container instance.

The only writer of ``ContainerInstance.last_engine``.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db.models import F, QuerySet

from aws_api.core.containers import LABEL_KEY, LABEL_KIND, Observation, Plan, Scope
from aws_api.core.reconcile import Round
from aws_api.services.ecs.container_instances import KIND
from aws_api.services.ecs.models import ContainerInstance

MAX_SWEPT = 1000


@dataclass(frozen=True, kw_only=True)
class InstanceSpec:
    """A container instance that wants to know its engine."""

    key: str


class InstanceController:
    """The controller of ``ecs.container-instance``; the key is the instance's ARN."""

    kind = KIND

    def load(self, key: str) -> InstanceSpec | None:
        return InstanceSpec(key=key) if _rows(key).exists() else None

    def scope(self, desired: InstanceSpec) -> Scope:
        return Scope(labels={LABEL_KIND: KIND, LABEL_KEY: desired.key}, engine=True)

    def decide(self, desired: InstanceSpec, observed: Observation, now: datetime) -> Plan:
        return Plan()

    def record(self, desired: InstanceSpec, outcome: Round) -> None:
        if outcome.observed.engine is None:
            return
        engine = asdict(outcome.observed.engine)
        _rows(desired.key).exclude(last_engine=engine).update(last_engine=engine, version=F("version") + 1)

    def unsettled(self, now: datetime) -> Iterable[str]:
        rows = ContainerInstance.objects.filter(last_engine={}).select_related("cluster").order_by("pk")
        return [row.arn for row in rows[:MAX_SWEPT]]


def _rows(key: str) -> "QuerySet[ContainerInstance]":
    return ContainerInstance.objects.filter(instance_id=key.rpartition("/")[2])
