"""The rows of Application Auto Scaling."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from aws_api.core.models import AwsResource


class ScalableTarget(AwsResource):
    """A capacity that is scaled. ``suspended`` is AWS's SuspendedState.

    ``last_scaled_from`` is what the capacity was before the scaling that the cooldown is counted from.
    """

    target_id = models.CharField(max_length=36)
    arn = models.CharField(max_length=512)
    namespace = models.CharField(max_length=32)
    resource_id = models.CharField(max_length=1600)
    dimension = models.CharField(max_length=64)
    min_capacity = models.PositiveIntegerField()
    max_capacity = models.PositiveIntegerField()
    role_arn = models.CharField(max_length=512)
    suspended = models.JSONField(default=dict, blank=True)

    last_scaled_at = models.DateTimeField(null=True, blank=True)
    last_scaled_out = models.BooleanField(default=False)
    last_scaled_from = models.PositiveIntegerField(default=0)
    last_cooldown_s = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account_id", "region", "namespace", "resource_id", "dimension"],
                name="autoscaling_target_once",
            ),
            models.CheckConstraint(
                condition=Q(min_capacity__lte=F("max_capacity")), name="autoscaling_min_is_not_above_max"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["arn"], name="autoscaling_target_arn")]

    def __str__(self) -> str:
        return f"{self.namespace} {self.resource_id}"

    @property
    def place(self) -> str:
        """How ARNs of what belongs to it name it."""
        return f"{self.namespace}/{self.resource_id}"


class ScalingPolicy(AwsResource):
    """A policy. ``document`` is its configuration, ``alarms`` AWS's Alarm shapes of those that it made."""

    target = models.ForeignKey(ScalableTarget, on_delete=models.CASCADE, related_name="policies")
    name = models.CharField(max_length=256)
    arn = models.CharField(max_length=2048)
    type = models.CharField(max_length=32)
    alarms = models.JSONField(default=list, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["target", "name"], name="autoscaling_policy_name"),
        ]
        indexes: ClassVar = [models.Index(fields=["account_id", "region", "name"], name="autoscaling_policies")]

    def __str__(self) -> str:
        return self.name


class ScheduledAction(AwsResource):
    """A change of a target's bounds at set times. ``document`` is AWS's shape of what was put."""

    target = models.ForeignKey(ScalableTarget, on_delete=models.CASCADE, related_name="scheduled_actions")
    name = models.CharField(max_length=1600)
    arn = models.CharField(max_length=4096)
    #: When it is due, by the clock that people may move; null when it never will be again.
    next_run_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["target", "name"], name="autoscaling_action_name"),
        ]
        indexes: ClassVar = [models.Index(fields=["next_run_at"], name="autoscaling_due_actions")]

    def __str__(self) -> str:
        return self.name


class ScalingActivity(models.Model):
    """Something that was done to a target, or could not be. It outlives the target, as on AWS."""

    activity_id = models.CharField(max_length=36, unique=True)
    account_id = models.CharField(max_length=12)
    region = models.CharField(max_length=32)
    namespace = models.CharField(max_length=32)
    resource_id = models.CharField(max_length=1600)
    dimension = models.CharField(max_length=64)
    description = models.TextField()
    cause = models.TextField()
    status = models.CharField(max_length=16)
    status_message = models.TextField(default="", blank=True)
    not_scaled_reasons = models.JSONField(default=list, blank=True)
    #: What the capacity is to be, as long as the activity is under way.
    wanted = models.PositiveIntegerField(null=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["account_id", "region", "namespace", "-started_at"], name="autoscaling_activities"),
            models.Index(fields=["id"], condition=Q(status="InProgress"), name="autoscaling_under_way"),
        ]

    def __str__(self) -> str:
        return self.description
