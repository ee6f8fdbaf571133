"""Rows of services: what was asked for, the deployments that run it, and what happened.

Operations write ``desired_*`` columns and new rows, the service controller alone writes ``last_*`` columns.
"""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from aws_api.core.models import AwsResource
from aws_api.services.ecs.identifiers import (
    service_deployment_arn,
    service_revision_arn,
    task_set_arn,
)


class ServiceStatus(models.TextChoices):
    """A deleted service is DRAINING until its last task is gone, and then INACTIVE for a while."""

    ACTIVE = "ACTIVE"
    DRAINING = "DRAINING"
    INACTIVE = "INACTIVE"


class Service(AwsResource):
    """A service. ``document`` has what AWS's Service shape says of it besides what its deployments run.

    ``version`` counts what operations change; ``last_settled_version`` is the one at which nothing was left to do.
    """

    arn = models.CharField(max_length=512)
    cluster = models.ForeignKey("ecs.Cluster", on_delete=models.PROTECT, related_name="services")
    name = models.CharField(max_length=255)
    scheduling_strategy = models.CharField(max_length=16)
    deployment_controller = models.CharField(max_length=16)
    launch_type = models.CharField(max_length=32, default="", blank=True)
    client_token = models.CharField(max_length=64, default="", blank=True)
    version = models.BigIntegerField(default=1)

    desired_status = models.CharField(max_length=16, choices=ServiceStatus.choices, default=ServiceStatus.ACTIVE)
    desired_count = models.PositiveIntegerField(default=0)

    last_status = models.CharField(max_length=16, choices=ServiceStatus.choices, default=ServiceStatus.ACTIVE)
    last_is_steady = models.BooleanField(default=False)
    last_settled_version = models.BigIntegerField(default=0)
    last_inactive_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["cluster", "name"], condition=~Q(last_status="INACTIVE"), name="ecs_service_name"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["arn"], name="ecs_service_arn"),
            # The sweep: what operations changed, and what is on its way.
            models.Index(
                fields=["id"],
                condition=~Q(last_status="INACTIVE") & ~Q(last_settled_version=models.F("version")),
                name="ecs_unsettled_services",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def status(self) -> str:
        """AWS's status: what was asked for, and how far it is."""
        if self.desired_status == ServiceStatus.ACTIVE:
            return ServiceStatus.ACTIVE
        return ServiceStatus.INACTIVE if self.last_status == ServiceStatus.INACTIVE else ServiceStatus.DRAINING


class DeploymentStatus(models.TextChoices):
    """PRIMARY is what should run, ACTIVE and DRAINING what still does, INACTIVE history."""

    PRIMARY = "PRIMARY"
    ACTIVE = "ACTIVE"
    DRAINING = "DRAINING"
    INACTIVE = "INACTIVE"


class Deployment(AwsResource):
    """A generation of a service's tasks and the service revision that they run; with another controller, a task set.

    ``document`` is the revision: AWS's ServiceRevision shape without what the columns say. Tasks name their deployment
    in ``startedBy``: ``ecs-svc/<deployment_id>``.
    """

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="deployments")
    deployment_id = models.CharField(max_length=32)
    task_definition = models.ForeignKey("ecs.TaskDefinition", on_delete=models.PROTECT, related_name="deployments")
    is_task_set = models.BooleanField(default=False)
    #: The share of the service's desired count that a task set runs.
    desired_scale_percent = models.FloatField(default=100)
    desired_is_deleted = models.BooleanField(default=False)

    last_status = models.CharField(max_length=16, choices=DeploymentStatus.choices)
    last_rollout_state = models.CharField(max_length=16, default="IN_PROGRESS")
    last_rollout_reason = models.TextField(default="", blank=True)
    last_failed_tasks = models.PositiveIntegerField(default=0)
    #: Tasks in a row that failed to start, and when the last one did: what starts are throttled by.
    last_failures_in_a_row = models.PositiveIntegerField(default=0)
    last_failure_at = models.DateTimeField(null=True, blank=True)
    last_is_steady = models.BooleanField(default=False)
    last_steady_at = models.DateTimeField(null=True, blank=True)
    last_updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["deployment_id"], name="ecs_deployment_id")]
        indexes: ClassVar = [models.Index(fields=["service", "last_status"], name="ecs_deployments_of_service")]

    def __str__(self) -> str:
        return self.started_by

    @property
    def started_by(self) -> str:
        return f"ecs-svc/{self.deployment_id}"

    @property
    def revision_arn(self) -> str:
        return service_revision_arn(self.service.arn, self.deployment_id)

    @property
    def task_set_arn(self) -> str:
        return task_set_arn(self.service.arn, self.deployment_id)


class ServiceDeployment(AwsResource):
    """The way from one service revision to another, with its stages, monitors and end.

    ``document`` is the deployment configuration that it goes by. ``last_hooks`` are AWS's DeploymentLifecycleHookDetail
    shapes with the stage and step that each was for.
    """

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="service_deployments")
    service_deployment_id = models.CharField(max_length=32, unique=True)
    target = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="service_deployments")
    #: The deployments that served when it began, by id.
    sources = models.JSONField(default=list, blank=True)
    desired_stop = models.CharField(max_length=16, default="", blank=True)
    desired_answers = models.JSONField(default=dict, blank=True)

    last_status = models.CharField(max_length=32, default="PENDING")
    last_status_reason = models.TextField(default="", blank=True)
    last_stage = models.CharField(max_length=64, default="", blank=True)
    last_stage_at = models.DateTimeField(null=True, blank=True)
    #: The target's share of production traffic when the stage began.
    last_stage_percent = models.FloatField(default=0)
    #: The share of production and of test traffic that the target has.
    last_production_percent = models.FloatField(default=0)
    last_test_percent = models.FloatField(default=0)
    last_hooks = models.JSONField(default=list, blank=True)
    last_rollback = models.JSONField(default=dict, blank=True)
    last_breaker_status = models.CharField(max_length=24, default="DISABLED")
    last_breaker_failures = models.PositiveIntegerField(default=0)
    last_alarm_status = models.CharField(max_length=24, default="DISABLED")
    last_triggered_alarms = models.JSONField(default=list, blank=True)
    last_started_at = models.DateTimeField(null=True, blank=True)
    last_finished_at = models.DateTimeField(null=True, blank=True)
    last_stopped_at = models.DateTimeField(null=True, blank=True)
    last_updated_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["service", "-created_at"], name="ecs_service_history")]

    def __str__(self) -> str:
        return self.service_deployment_id

    @property
    def arn(self) -> str:
        return service_deployment_arn(self.service.arn, self.service_deployment_id)


class ServiceEvent(models.Model):
    """A message of the scheduler; a service keeps its last hundred."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="events")
    event_id = models.CharField(max_length=36)
    message = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["service", "-id"], name="ecs_events_of_service")]

    def __str__(self) -> str:
        return self.message


class Registration(models.Model):
    """A task in a target group or a Cloud Map service; written before it is done, deleted when it is undone."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="registrations")
    task_arn = models.CharField(max_length=512)
    #: The ARN of the target group or of the Cloud Map service.
    resource_arn = models.CharField(max_length=512)
    #: Where its traffic goes: the address or instance id, and the port (0: none).
    target_id = models.CharField(max_length=255)
    port = models.PositiveIntegerField(default=0)
    last_state = models.CharField(max_length=16, default="REGISTERING")
    last_health = models.CharField(max_length=16, default="", blank=True)
    last_health_reason = models.TextField(default="", blank=True)
    last_changed_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["task_arn", "resource_arn", "target_id", "port"], name="ecs_registration_once"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["service"], name="ecs_registrations")]

    def __str__(self) -> str:
        return f"{self.task_arn} in {self.resource_arn}"
