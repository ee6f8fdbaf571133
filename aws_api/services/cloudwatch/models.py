"""The rows of CloudWatch: metrics with their points, alarms with their history."""

from typing import ClassVar

from django.db import models

from aws_api.core.models import AwsResource


class Metric(models.Model):
    """A metric. ``dimensions_key`` tells its dimensions from those of other metrics of the name."""

    account_id = models.CharField(max_length=12)
    region = models.CharField(max_length=32)
    namespace = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    dimensions = models.JSONField(default=dict, blank=True)
    dimensions_key = models.CharField(max_length=64)
    #: In whole hours: putting a value is no update of the metric each time.
    last_put_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account_id", "region", "namespace", "name", "dimensions_key"], name="cloudwatch_metric_once"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["last_put_at"], name="cloudwatch_old_metrics")]

    def __str__(self) -> str:
        return f"{self.namespace} {self.name}"


class MetricPoint(models.Model):
    """What was put of a metric in a minute, or in a second: a statistic set and, for percentiles, the values.

    ``values`` maps a value to how often it was put; null where only a statistic set is known.
    """

    metric = models.ForeignKey(Metric, on_delete=models.CASCADE, related_name="points")
    at = models.DateTimeField()
    resolution_s = models.PositiveSmallIntegerField(default=60)
    unit = models.CharField(max_length=32, default="None")
    sum = models.FloatField()
    count = models.FloatField()
    minimum = models.FloatField()
    maximum = models.FloatField()
    values = models.JSONField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["metric", "resolution_s", "at", "unit"], name="cloudwatch_point_once")
        ]
        # What is too old.
        indexes: ClassVar = [models.Index(fields=["resolution_s", "at"], name="cloudwatch_old_points")]

    def __str__(self) -> str:
        return f"{self.metric} at {self.at}"


class StateValue(models.TextChoices):
    """How an alarm is."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Alarm(AwsResource):
    """An alarm. ``document`` is its configuration as PutMetricAlarm or PutCompositeAlarm was given it."""

    arn = models.CharField(max_length=512)
    name = models.CharField(max_length=255)
    is_composite = models.BooleanField(default=False)
    actions_enabled = models.BooleanField(default=True)
    configured_at = models.DateTimeField()

    last_state = models.CharField(max_length=24, choices=StateValue.choices, default=StateValue.INSUFFICIENT_DATA)
    last_reason = models.TextField(default="Unchecked: Initial alarm creation")
    last_reason_data = models.TextField(default="", blank=True)
    last_updated_at = models.DateTimeField()
    last_transitioned_at = models.DateTimeField()
    #: When it is to be evaluated next, by the clock that people may move.
    next_evaluation_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region", "name"], name="cloudwatch_alarm_name")
        ]
        indexes: ClassVar = [
            models.Index(fields=["arn"], name="cloudwatch_alarm_arn"),
            models.Index(fields=["next_evaluation_at"], name="cloudwatch_due_alarms"),
        ]

    def __str__(self) -> str:
        return self.name


class AlarmHistory(models.Model):
    """Something that happened to an alarm. It outlives the alarm."""

    account_id = models.CharField(max_length=12)
    region = models.CharField(max_length=32)
    alarm_name = models.CharField(max_length=255)
    alarm_type = models.CharField(max_length=24)
    item_type = models.CharField(max_length=24)
    summary = models.TextField()
    data = models.TextField(default="", blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["account_id", "region", "at"], name="cloudwatch_history"),
            models.Index(fields=["at"], name="cloudwatch_old_history"),
        ]

    def __str__(self) -> str:
        return f"{self.alarm_name}: {self.summary}"
