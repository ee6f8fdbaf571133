"""The rows of CloudWatch Logs. Times are milliseconds since 1970, as the API's are."""

from typing import ClassVar

from django.db import models

from aws_api.core.account_rows import AccountRows
from aws_api.core.models import AwsResource


class LogGroup(AwsResource):
    """A log group. ``document`` keeps logGroupClass and kmsKeyId as they were given."""

    name = models.CharField(max_length=512)
    retention_days = models.IntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region", "name"], name="logs_group_name")
        ]

    def __str__(self) -> str:
        return self.arn

    @property
    def arn(self) -> str:
        return f"arn:aws:logs:{self.region}:{self.account_id}:log-group:{self.name}"


class LogStream(models.Model):
    """A log stream of a group. The times and sizes are written with the events, in their statement."""

    group = models.ForeignKey(LogGroup, on_delete=models.CASCADE, related_name="streams")
    name = models.CharField(max_length=512)
    created_at_ms = models.BigIntegerField()
    first_event_ms = models.BigIntegerField(null=True)
    last_event_ms = models.BigIntegerField(null=True)
    ingested_at_ms = models.BigIntegerField(null=True)
    stored_bytes = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["group", "name"], name="logs_stream_name")]
        # DescribeLogStreams by LastEventTime.
        indexes: ClassVar = [models.Index(fields=["group", "last_event_ms", "name"], name="logs_stream_last_event")]

    def __str__(self) -> str:
        return self.name


class LogEvent(models.Model):
    """A log event. No foreign keys: checking them would lock the stream's row for every line."""

    group_id = models.BigIntegerField()
    stream_id = models.BigIntegerField()
    timestamp_ms = models.BigIntegerField()
    ingested_at_ms = models.BigIntegerField()
    message = models.TextField()

    account_rows: ClassVar = AccountRows(
        where="group_id IN (SELECT id FROM logs_loggroup WHERE account_id = %(account_id)s)",
        numbers=("group_id", "stream_id"),
    )

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["stream_id", "timestamp_ms", "id"], name="logs_event_of_stream"),  # GetLogEvents
            models.Index(fields=["group_id", "timestamp_ms", "id"], name="logs_event_of_group"),  # FilterLogEvents
        ]

    def __str__(self) -> str:
        return self.message
