"""Rows of ECS. Operations write ``desired_*`` columns, the task controller alone writes ``last_*`` columns."""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from aws_api.core.models import AwsResource
from aws_api.services.ecs.identifiers import (
    capacity_provider_arn,
    cluster_arn,
    container_instance_arn,
    task_arn,
    task_definition_arn,
)
from aws_api.services.ecs.service_models import (
    Deployment,
    DeploymentStatus,
    Registration,
    Service,
    ServiceDeployment,
    ServiceEvent,
    ServiceStatus,
)

__all__ = [
    "AccountSetting",
    "CapacityProvider",
    "Cluster",
    "ClusterStatus",
    "ContainerInstance",
    "ContainerInstanceStatus",
    "Deployment",
    "DeploymentStatus",
    "DesiredStatus",
    "Registration",
    "RunTaskToken",
    "Service",
    "ServiceDeployment",
    "ServiceEvent",
    "ServiceStatus",
    "Task",
    "TaskDefinition",
    "TaskDefinitionFamily",
    "TaskDefinitionStatus",
]


class ClusterStatus(models.TextChoices):
    """A deleted cluster stays visible as INACTIVE, and a new one of its name takes its row."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class Cluster(AwsResource):
    """A cluster. ``document`` has its settings, configuration and capacity providers."""

    name = models.CharField(max_length=255)
    status = models.CharField(max_length=16, choices=ClusterStatus.choices, default=ClusterStatus.ACTIVE)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region", "name"], name="ecs_cluster_name")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def arn(self) -> str:
        return cluster_arn(self.account_id, self.region, self.name)


class TaskDefinitionFamily(models.Model):
    """A family's revision counter: it outlives its revisions, so that no number is given twice."""

    account_id = models.CharField(max_length=12)
    region = models.CharField(max_length=32)
    name = models.CharField(max_length=255)
    last_revision = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region", "name"], name="ecs_family_name")
        ]

    def __str__(self) -> str:
        return self.name


class TaskDefinitionStatus(models.TextChoices):
    """An INACTIVE definition starts no new tasks; one in DELETE_IN_PROGRESS goes when its last task is gone."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"


class TaskDefinition(AwsResource):
    """One revision of a family. ``document`` is AWS's TaskDefinition shape without what the columns say."""

    family = models.CharField(max_length=255)
    revision = models.PositiveIntegerField()
    status = models.CharField(max_length=24, choices=TaskDefinitionStatus.choices, default=TaskDefinitionStatus.ACTIVE)
    deregistered_at = models.DateTimeField(null=True, blank=True)
    delete_requested_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region", "family", "revision"], name="ecs_revision")
        ]

    def __str__(self) -> str:
        return f"{self.family}:{self.revision}"

    @property
    def arn(self) -> str:
        return task_definition_arn(self.account_id, self.region, self.family, self.revision)


class DesiredStatus(models.TextChoices):
    """What the caller wants of a task."""

    RUNNING = "RUNNING"
    STOPPED = "STOPPED"


class Task(AwsResource):
    """A task. ``document`` is what AWS's Task shape says of it from the start; ``arn`` is the reconciler's key.

    ``last_containers`` maps a container's name to what was last seen of it (lifecycle.ContainerRecord).
    ``network`` is its interface: id, attachment id, details as AWS answers them, and the key of the network it needs.
    """

    arn = models.CharField(max_length=512, unique=True)
    task_id = models.CharField(max_length=255)
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="tasks")
    task_definition = models.ForeignKey(TaskDefinition, on_delete=models.PROTECT, related_name="tasks")
    family = models.CharField(max_length=255)
    group = models.CharField(max_length=255)
    service_name = models.CharField(max_length=255, default="", blank=True)
    started_by = models.CharField(max_length=128, default="", blank=True)
    launch_type = models.CharField(max_length=32)
    container_instance_arn = models.CharField(max_length=512, default="", blank=True)
    network = models.JSONField(default=dict, blank=True)
    #: The unguessable name under which the task asks for its role's credentials and its metadata.
    credentials_id = models.UUIDField(default=uuid.uuid4, unique=True)
    version = models.BigIntegerField(default=1)

    desired_status = models.CharField(max_length=16, choices=DesiredStatus.choices, default=DesiredStatus.RUNNING)
    desired_stop_code = models.CharField(max_length=32, default="", blank=True)
    desired_stopped_reason = models.TextField(default="", blank=True)
    #: Whether its containers are kept when it has stopped, to be looked at.
    desired_hold = models.BooleanField(default=False)
    #: Until when a service does not scale it in; NULL means that it may.
    desired_protected_until = models.DateTimeField(null=True, blank=True)

    #: Whether its service has taken note of its end.
    is_accounted_for = models.BooleanField(default=False)

    last_status = models.CharField(max_length=16, default="PROVISIONING")
    last_stop_code = models.CharField(max_length=32, default="", blank=True)
    last_stopped_reason = models.TextField(default="", blank=True)
    last_health_status = models.CharField(max_length=16, default="UNKNOWN")
    last_containers = models.JSONField(default=dict, blank=True)
    last_attachment = models.JSONField(default=dict, blank=True)
    last_pause_started = models.BooleanField(default=False)
    last_connectivity_at = models.DateTimeField(null=True, blank=True)
    last_pull_started_at = models.DateTimeField(null=True, blank=True)
    last_pull_stopped_at = models.DateTimeField(null=True, blank=True)
    last_started_at = models.DateTimeField(null=True, blank=True)
    #: When it was seen RUNNING, by the clock that people may move: what its service counts from.
    last_running_at = models.DateTimeField(null=True, blank=True)
    last_stopping_at = models.DateTimeField(null=True, blank=True)
    last_execution_stopped_at = models.DateTimeField(null=True, blank=True)
    last_stopped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region", "cluster", "task_id"], name="ecs_task_id"),
        ]
        indexes: ClassVar = [
            # ListTasks and the counts of DescribeClusters; its order is the page's.
            models.Index(fields=["cluster", "task_id"], name="ecs_tasks_of_cluster"),
            # The sweep: what is on its way somewhere.
            models.Index(
                fields=["last_status"], condition=~Q(last_status__in=["RUNNING", "STOPPED"]), name="ecs_unsettled_tasks"
            ),
            # The scheduler's rounds: what a service has, and whose end it has not taken note of.
            models.Index(
                fields=["cluster", "service_name"],
                condition=~Q(service_name="") & (~Q(last_status="STOPPED") | Q(is_accounted_for=False)),
                name="ecs_tasks_of_service",
            ),
            # Garbage collection.
            models.Index(fields=["last_stopped_at"], condition=Q(last_status="STOPPED"), name="ecs_stopped_tasks"),
        ]

    def __str__(self) -> str:
        return self.task_id

    def save(self, **kwargs: Any) -> None:
        self.arn = self.arn or task_arn(self.account_id, self.region, self.cluster.name, self.task_id)
        super().save(**kwargs)


class ContainerInstanceStatus(models.TextChoices):
    """A DRAINING instance keeps its standalone tasks and takes no new ones; an INACTIVE one was deregistered."""

    ACTIVE = "ACTIVE"
    DRAINING = "DRAINING"
    INACTIVE = "INACTIVE"


class ContainerInstance(AwsResource):
    """The engine as an instance of a cluster: registered by being there, in every cluster that asks for it.

    ``desired_attributes`` maps the names of custom attributes to their values. ``last_engine`` is what the engine said
    of itself (containers.ObservedEngine); empty before it did.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="container_instances")
    instance_id = models.CharField(max_length=32)
    desired_status = models.CharField(
        max_length=16, choices=ContainerInstanceStatus.choices, default=ContainerInstanceStatus.ACTIVE
    )
    desired_attributes = models.JSONField(default=dict, blank=True)
    last_engine = models.JSONField(default=dict, blank=True)
    version = models.BigIntegerField(default=1)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["cluster"], name="ecs_engine_once_a_cluster")]

    def __str__(self) -> str:
        return self.instance_id

    @property
    def arn(self) -> str:
        return container_instance_arn(self.account_id, self.region, self.cluster.name, self.instance_id)


class CapacityProvider(AwsResource):
    """A capacity provider of the account's own; FARGATE and FARGATE_SPOT have no row."""

    name = models.CharField(max_length=255)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region", "name"], name="ecs_capacity_provider_name")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def arn(self) -> str:
        return capacity_provider_arn(self.account_id, self.region, self.name)


class RunTaskToken(models.Model):
    """An answered clientToken: the same request again is the same tasks."""

    account_id = models.CharField(max_length=12)
    region = models.CharField(max_length=32)
    token = models.CharField(max_length=64)
    request_digest = models.CharField(max_length=64)
    task_arns = models.JSONField(default=list)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region", "token"], name="ecs_run_task_token")
        ]

    def __str__(self) -> str:
        return self.token


class AccountSetting(models.Model):
    """A setting of a principal; of the whole account's default where ``principal_arn`` is empty."""

    account_id = models.CharField(max_length=12)
    region = models.CharField(max_length=32)
    principal_arn = models.CharField(max_length=512, default="", blank=True)
    name = models.CharField(max_length=64)
    value = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account_id", "region", "principal_arn", "name"], name="ecs_account_setting"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


class ExecuteCommandSession(models.Model):
    """A session of ExecuteCommand: opened once, with its token, before it expires.

    ``container`` is the container's name in the task, ``engine_container`` the engine's. ``log_group`` and
    ``log_region`` say where its output is logged; empty where it is not. ``kms_key_id`` encrypts it, where there is
    one, and ``target_id`` is what Session Manager calls the container. One that is open proves that it lives by moving
    ``alive_until``; ``program`` is what the engine calls what runs in it.
    """

    account_id = models.CharField(max_length=12)
    region = models.CharField(max_length=32)
    session_id = models.CharField(max_length=64, unique=True)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="execute_command_sessions")
    container = models.CharField(max_length=255)
    engine_container = models.CharField(max_length=512)
    command = models.TextField()
    role_arn = models.CharField(max_length=2048, default="", blank=True)
    log_group = models.CharField(max_length=512, default="", blank=True)
    log_region = models.CharField(max_length=32, default="", blank=True)
    kms_key_id = models.CharField(max_length=2048, default="", blank=True)
    target_id = models.CharField(max_length=512, default="", blank=True)
    program = models.CharField(max_length=128, default="", blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, blank=True)
    alive_until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    exit_code = models.IntegerField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            # How many a container has; garbage collection.
            models.Index(fields=["task", "container"], condition=Q(ended_at=None), name="ecs_open_exec_sessions"),
        ]

    def __str__(self) -> str:
        return self.session_id
