"""The rows of SQS; hot statements on them are in store.py and fifo.py. Times are milliseconds since 1970, as SQS's."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from aws_api.core.account_rows import AccountRows
from aws_api.core.ids import new_uuid
from aws_api.core.models import AwsResource

_OF_QUEUES = "queue_id IN (SELECT id FROM sqs_queue WHERE account_id = %(account_id)s)"


class Queue(AwsResource):
    """A queue. ``document`` maps the names of the attributes that were set to their values, both as AWS spells them."""

    name = models.CharField(max_length=80)
    is_fifo = models.BooleanField(default=False)
    dead_letter_target_arn = models.CharField(max_length=256, default="", blank=True)
    modified_at = models.DateTimeField()
    purged_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region", "name"], name="sqs_queue_name"),
            models.CheckConstraint(condition=Q(is_fifo=Q(name__endswith=".fifo")), name="sqs_queue_fifo_name"),
        ]
        indexes: ClassVar = [
            # ListDeadLetterSourceQueues, and whether a queue is anybody's dead-letter queue.
            models.Index(
                fields=["dead_letter_target_arn", "name"],
                condition=~Q(dead_letter_target_arn=""),
                name="sqs_queue_sources",
            ),
        ]

    def __str__(self) -> str:
        return self.arn

    @property
    def arn(self) -> str:
        return f"arn:aws:sqs:{self.region}:{self.account_id}:{self.name}"


class DeletedQueue(models.Model):
    """The name of a queue that was deleted not long ago, where such names may not be used again at once."""

    pk = models.CompositePrimaryKey("account_id", "region", "name")
    account_id = models.CharField(max_length=12)
    region = models.CharField(max_length=32)
    name = models.CharField(max_length=80)
    deleted_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Message(models.Model):
    """A message in a queue.

    ``id`` is the order of arrival. ``receipt`` is the latest receive's random number, None while never received from
    this queue: visible later without a receipt is delayed, visible later with one is in flight. Messages of a FIFO
    queue, and only they, have a ``deduplication_id``. ``queue_id`` is no foreign key: checking one would lock the
    queue's row for every message.
    """

    queue_id = models.BigIntegerField()
    visible_at_ms = models.BigIntegerField()
    sent_at_ms = models.BigIntegerField()
    first_received_at_ms = models.BigIntegerField(null=True)
    receipt = models.BigIntegerField(null=True)
    receive_count = models.IntegerField(default=0)
    message_id = models.UUIDField()
    sender_id = models.TextField()
    body = models.TextField()
    attributes = models.JSONField(null=True)
    trace_header = models.TextField(null=True)
    group_id = models.TextField(null=True)
    deduplication_id = models.TextField(null=True)
    source_arn = models.TextField(null=True)

    account_rows: ClassVar = AccountRows(where=_OF_QUEUES, numbers=("queue_id",))

    class Meta:
        indexes: ClassVar = [
            # What to receive next, and when the next message turns visible.
            models.Index(fields=["queue_id", "visible_at_ms", "id"], name="sqs_message_next"),
            # Whether a message's group is held back by a message that is not visible.
            models.Index(
                fields=["queue_id", "group_id", "visible_at_ms"],
                condition=Q(deduplication_id__isnull=False),
                name="sqs_message_held",
            ),
            # A FIFO queue in its order.
            models.Index(
                fields=["queue_id", "id"], condition=Q(deduplication_id__isnull=False), name="sqs_message_order"
            ),
        ]

    def __str__(self) -> str:
        return str(self.message_id)


class Deduplication(models.Model):
    """A send to a FIFO queue that repeats within five minutes are answered with. ``scope`` is the message group where
    the queue deduplicates per group, else empty. Outlives the message."""

    queue_id = models.BigIntegerField()
    scope = models.TextField(default="", blank=True)
    deduplication_id = models.TextField()
    message_id = models.UUIDField()
    sequence = models.BigIntegerField()
    sent_at_ms = models.BigIntegerField()

    account_rows: ClassVar = AccountRows(where=_OF_QUEUES, numbers=("queue_id",))

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["queue_id", "scope", "deduplication_id"], name="sqs_deduplication_key")
        ]
        # Forgetting what is older than five minutes.
        indexes: ClassVar = [models.Index(fields=["queue_id", "sent_at_ms"], name="sqs_deduplication_age")]

    def __str__(self) -> str:
        return self.deduplication_id


class MoveTask(models.Model):
    """A message move task. Whichever process holds the lease moves; a lapsed lease lets another go on."""

    class Status(models.TextChoices):
        RUNNING = "RUNNING"
        COMPLETED = "COMPLETED"
        CANCELLING = "CANCELLING"
        CANCELLED = "CANCELLED"
        FAILED = "FAILED"

    id = models.CharField(max_length=36, primary_key=True, default=new_uuid)
    source_arn = models.CharField(max_length=256)
    destination_arn = models.CharField(max_length=256, default="", blank=True)
    messages_per_second = models.IntegerField(null=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.RUNNING)
    moved = models.BigIntegerField(default=0)
    to_move = models.BigIntegerField()
    failure_reason = models.TextField(default="", blank=True)
    started_at_ms = models.BigIntegerField()
    leased_until_ms = models.BigIntegerField(default=0)

    account_rows: ClassVar = AccountRows(where="split_part(source_arn, ':', 5) = %(account_id)s")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["source_arn"],
                condition=Q(status__in=["RUNNING", "CANCELLING"]),
                name="sqs_one_move_per_source",
            )
        ]
        # A source's tasks, latest first.
        indexes: ClassVar = [models.Index(fields=["source_arn", "-started_at_ms"], name="sqs_move_tasks")]

    def __str__(self) -> str:
        return self.id
