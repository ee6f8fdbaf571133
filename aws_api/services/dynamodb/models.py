"""The rows of DynamoDB. The statements on items and index entries are in store.py.

Items and entries carry the numbers of their table and index without a foreign key: checking one locks the table's row
once per item. Numbers are never given twice, so what a lost race leaves behind is never seen.
"""

from typing import ClassVar

from django.db import models

from aws_api.core.account_rows import AccountRows
from aws_api.core.ids import new_uuid
from aws_api.core.models import AwsResource


class Table(AwsResource):
    """A table. ``document`` holds CreateTable's members as received and UpdateTable's after them.

    ``generation`` grows with every change of keys or indexes; a write that was made for an older one is refused.
    ``contents_id`` is the number that the table's items carry, where that is another's: the replicas of a global table
    are tables that share their items and index entries.
    """

    name = models.CharField(max_length=255)
    table_id = models.CharField(max_length=36, default=new_uuid)
    generation = models.BigIntegerField(default=1)
    deletion_protection = models.BooleanField(default=False)
    contents_id = models.BigIntegerField(null=True)

    account_rows: ClassVar = AccountRows(numbers=("contents_id",))

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region", "name"], name="dynamodb_table_name")
        ]
        indexes: ClassVar = [
            # The replicas of a global table.
            models.Index(fields=["contents_id"], name="dynamodb_table_contents")
        ]

    def __str__(self) -> str:
        return self.arn

    @property
    def arn(self) -> str:
        return f"arn:aws:dynamodb:{self.region}:{self.account_id}:table/{self.name}"

    @property
    def contents(self) -> int:
        return self.pk if self.contents_id is None else self.contents_id


class Index(models.Model):
    """A secondary index of a table. ``document`` holds its members as received.

    Writes keep an index from its making; it can be read once it is filled with what was there before. ``entries_id``
    is the number that its entries carry, where that is another replica's. One row of a table may be no index of AWS's:
    ``is_expiry`` keeps the items with a time to live in the order of that.
    """

    table = models.ForeignKey(Table, on_delete=models.CASCADE, related_name="indexes")
    name = models.CharField(max_length=255)
    is_global = models.BooleanField()
    document = models.JSONField(default=dict)
    is_filled = models.BooleanField(default=True)
    is_expiry = models.BooleanField(default=False)
    entries_id = models.BigIntegerField(null=True)

    account_rows: ClassVar = AccountRows(numbers=("entries_id",))

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["table", "name"], name="dynamodb_index_name")]

    def __str__(self) -> str:
        return f"{self.table}/index/{self.name}"

    @property
    def entries(self) -> int:
        return self.pk if self.entries_id is None else self.entries_id


class Item(models.Model):
    """An item by its encoded key (keys.py): its wire JSON, its size as DynamoDB counts it, and its revision.

    ``revision`` is random and new with every write, so that a write can say which one it was made from.
    """

    pk = models.CompositePrimaryKey("table_id", "hash", "range")
    table_id = models.BigIntegerField()
    hash = models.BinaryField()
    range = models.BinaryField()
    item = models.BinaryField()
    size = models.IntegerField()
    revision = models.BigIntegerField()

    account_rows: ClassVar = AccountRows(
        where="table_id IN (SELECT coalesce(contents_id, id) FROM dynamodb_table WHERE account_id = %(account_id)s "
        "UNION ALL SELECT contents_id FROM dynamodb_backup WHERE account_id = %(account_id)s)",
        numbers=("table_id",),
    )


class IndexEntry(models.Model):
    """Where an item stands in a secondary index. The item itself is read from its own row."""

    pk = models.CompositePrimaryKey("index_id", "item_hash", "item_range")
    index_id = models.BigIntegerField()
    hash = models.BinaryField()
    range = models.BinaryField()
    item_hash = models.BinaryField()
    item_range = models.BinaryField()

    account_rows: ClassVar = AccountRows(
        where="index_id IN (SELECT coalesce(made.entries_id, made.id) FROM dynamodb_index AS made "
        "JOIN dynamodb_table AS found ON found.id = made.table_id WHERE found.account_id = %(account_id)s)",
        numbers=("index_id",),
    )

    class Meta:
        indexes: ClassVar = [
            # Query and Scan of a secondary index, in its order.
            models.Index(fields=["index_id", "hash", "range", "item_hash", "item_range"], name="dynamodb_index_order")
        ]


class PastItem(models.Model):
    """What an item was until a moment, while its table has point-in-time recovery; without ``item`` there was none."""

    table_id = models.BigIntegerField()
    hash = models.BinaryField()
    range = models.BinaryField()
    until = models.DateTimeField()
    item = models.BinaryField(null=True)
    size = models.IntegerField(null=True)

    account_rows: ClassVar = AccountRows(
        where="table_id IN (SELECT coalesce(contents_id, id) FROM dynamodb_table WHERE account_id = %(account_id)s)",
        numbers=("table_id",),
    )

    class Meta:
        # What has changed since a moment, and what is too old to be restored.
        indexes: ClassVar = [models.Index(fields=["table_id", "until"], name="dynamodb_past_until")]

    def __str__(self) -> str:
        return f"{self.table_id} until {self.until}"


class Stream(AwsResource):
    """A table's stream: one at a time is enabled, and each is kept until its last record is too old.

    ``sequence`` numbers its records. Whoever writes one holds this row until the commit, so that readers, who go by the
    numbers, find no record where they have been already. It outlives its table: ``document`` holds the table's keys.
    """

    table_id = models.BigIntegerField()
    table_name = models.CharField(max_length=255)
    label = models.CharField(max_length=32)
    view_type = models.CharField(max_length=32)
    sequence = models.BigIntegerField(default=0)
    trimmed = models.BigIntegerField(default=0)
    ended_at = models.DateTimeField(null=True)

    account_rows: ClassVar = AccountRows(numbers=("table_id",))

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account_id", "region", "table_name", "label"], name="dynamodb_stream_label"
            ),
            models.UniqueConstraint(
                fields=["table_id"], condition=models.Q(ended_at=None), name="dynamodb_stream_of_table"
            ),
        ]

    def __str__(self) -> str:
        return self.arn

    @property
    def arn(self) -> str:
        return f"arn:aws:dynamodb:{self.region}:{self.account_id}:table/{self.table_name}/stream/{self.label}"


class Shard(models.Model):
    """A stretch of a stream's records: from ``first`` to ``last``, which is None while it is open."""

    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="shards")
    shard_id = models.CharField(max_length=65)
    parent_id = models.CharField(max_length=65, default="")
    first = models.BigIntegerField()
    last = models.BigIntegerField(null=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["stream", "shard_id"], name="dynamodb_shard_id"),
            models.UniqueConstraint(fields=["stream"], condition=models.Q(last=None), name="dynamodb_open_shard"),
        ]

    def __str__(self) -> str:
        return self.shard_id


class StreamRecord(models.Model):
    """A change of an item as a stream tells it; ``record`` is the wire JSON of what its view type shows."""

    pk = models.CompositePrimaryKey("stream_id", "sequence")
    stream_id = models.BigIntegerField()
    sequence = models.BigIntegerField()
    at = models.DateTimeField()
    record = models.BinaryField()

    account_rows: ClassVar = AccountRows(
        where="stream_id IN (SELECT id FROM dynamodb_stream WHERE account_id = %(account_id)s)", numbers=("stream_id",)
    )


class TransactionToken(models.Model):
    """A client's token of a transaction that was made, so that asking again changes nothing."""

    pk = models.CompositePrimaryKey("account_id", "region", "token")
    account_id = models.CharField(max_length=12)
    region = models.CharField(max_length=32)
    token = models.CharField(max_length=36)
    digest = models.BinaryField()
    at = models.DateTimeField()

    class Meta:
        # What is too old to be remembered.
        indexes: ClassVar = [models.Index(fields=["at"], name="dynamodb_token_age")]


class Backup(AwsResource):
    """A copy of a table: its items carry ``contents_id``; ``document`` holds the table's and its indexes'."""

    backup_id = models.CharField(max_length=64)
    name = models.CharField(max_length=255)
    table_name = models.CharField(max_length=255)
    table_uuid = models.CharField(max_length=36)
    table_created_at = models.DateTimeField()
    contents_id = models.BigIntegerField(unique=True)
    items = models.BigIntegerField()
    size_bytes = models.BigIntegerField()

    account_rows: ClassVar = AccountRows(numbers=("contents_id",))

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region", "backup_id"], name="dynamodb_backup_id")
        ]

    def __str__(self) -> str:
        return self.arn

    @property
    def arn(self) -> str:
        place = f"arn:aws:dynamodb:{self.region}:{self.account_id}"
        return f"{place}:table/{self.table_name}/backup/{self.backup_id}"


class ResourcePolicy(models.Model):
    """The policy of a table or a stream."""

    arn = models.CharField(max_length=512, primary_key=True)
    policy = models.TextField()
    revision = models.CharField(max_length=64)

    account_rows: ClassVar = AccountRows(where="split_part(arn, ':', 5) = %(account_id)s")

    def __str__(self) -> str:
        return self.arn


class Leftover(models.Model):
    """Items or index entries whose table, index or backup is gone: to be deleted in the background."""

    number = models.BigIntegerField()
    is_index = models.BooleanField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["number", "is_index"], name="dynamodb_leftover_once")]

    def __str__(self) -> str:
        return f"{'index' if self.is_index else 'table'} {self.number}"
