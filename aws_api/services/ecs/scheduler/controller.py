"""Keeps services true: loads them for the loop, takes its steps, and says which are not settled."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil

from django.conf import settings
from django.db.models import F

from aws_api.core.clock import SHARED_CLOCK
from aws_api.core.containers import Observation, OwnStep, Plan, RuntimeFailure, Scope
from aws_api.core.errors import AwsError
from aws_api.core.models import PlanRecord, Transition
from aws_api.core.reconcile import Round
from aws_api.services.ecs.identifiers import service_arn
from aws_api.services.ecs.models import Service, ServiceDeployment, ServiceStatus, Task
from aws_api.services.ecs.scheduler.loading import UNDER_WAY, service_spec
from aws_api.services.ecs.scheduler.progress import KIND
from aws_api.services.ecs.scheduler.reconcile import decide
from aws_api.services.ecs.scheduler.specification import ServiceSpec
from aws_api.services.ecs.scheduler.taking import take

MAX_SWEPT = 1000
MAX_COLLECTED = 100
#: Service deployments that a service keeps: AWS shows those of 90 days.
KEPT_FOR = timedelta(days=90)


class ServiceController:
    """The controller of ``ecs.service``; the key is the service's ARN. It goes by the clock that people may move."""

    kind = KIND

    def load(self, key: str) -> ServiceSpec | None:
        row = Service.objects.select_related("cluster").filter(arn=key).exclude(last_status="INACTIVE").first()
        return service_spec(row, SHARED_CLOCK.now()) if row else None

    def scope(self, desired: ServiceSpec) -> Scope:
        return Scope()

    def decide(self, desired: ServiceSpec, observed: Observation, now: datetime) -> Plan:
        plan = decide(desired, SHARED_CLOCK.now())
        real_s = SHARED_CLOCK.real_seconds(plan.look_again_s) if plan.look_again_s is not None else None
        # In whole seconds, so that rounds that follow each other ask for the same look.
        return replace(plan, look_again_s=max(ceil(real_s), 1) if real_s is not None else None)

    def take(self, desired: ServiceSpec, step: OwnStep) -> bool:
        try:
            return take(desired, step, SHARED_CLOCK.now())
        except AwsError as error:
            raise RuntimeFailure(f"{error.code}: {error.message}") from error

    def record(self, desired: ServiceSpec, outcome: Round) -> None:
        """Write down whether there is anything left to do, for the sweep."""
        is_settled = not outcome.plan and desired.is_steady and desired.process is None and not desired.ended
        settled = desired.version if is_settled else 0
        rows = Service.objects.filter(arn=desired.arn, version=desired.version)
        rows.exclude(last_status=ServiceStatus.INACTIVE).exclude(last_settled_version=settled).update(
            last_settled_version=settled
        )

    def unsettled(self, now: datetime) -> Iterable[str]:
        rows = Service.objects.exclude(last_status=ServiceStatus.INACTIVE).exclude(last_settled_version=F("version"))
        found = list(rows.order_by("pk").values_list("arn", flat=True)[:MAX_SWEPT])
        ended = Task.objects.filter(last_status="STOPPED", is_accounted_for=False).exclude(service_name="")
        names = ended.values_list("account_id", "region", "cluster__name", "service_name").distinct()[:MAX_SWEPT]
        return sorted({*found, *(service_arn(*name) for name in names)})

    def collect(self, now: datetime) -> None:
        """Forget services that ended long ago, and the service deployments that are too old to be shown."""
        long_ago = SHARED_CLOCK.now() - timedelta(seconds=settings.SIMFRA_STOPPED_TASK_RETENTION_S)
        gone = Service.objects.filter(last_status=ServiceStatus.INACTIVE, last_inactive_at__lt=long_ago)
        for row in gone.order_by("last_inactive_at")[:MAX_COLLECTED]:
            Transition.objects.filter(kind=KIND, key=row.arn).delete()
            PlanRecord.objects.filter(kind=KIND, key=row.arn).delete()
            row.delete()
        old = ServiceDeployment.objects.filter(created_at__lt=SHARED_CLOCK.now() - KEPT_FOR)
        old.exclude(last_status__in=UNDER_WAY).delete()
        orphaned = Task.objects.filter(last_status="STOPPED", is_accounted_for=False).exclude(service_name="")
        orphaned.filter(last_stopped_at__lt=now - timedelta(hours=1)).update(is_accounted_for=True)
