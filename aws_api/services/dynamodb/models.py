"""The rows of DynamoDB. The statements on items and index entries are in store.py.

Items and entries carry the numbers of their table and index without a foreign key: checking one locks the table's row
once per item. Numbers are never given twice, so what a lost race leaves behind is never seen.
"""

from typing import ClassVar

from django.db import models

from aws_api.core.ids import new_uuid
from aws_api.core.models import AwsResource


class Table(AwsResource):
    """A table. ``document`` holds CreateTable's members as received and UpdateTable's after them.

    ``generation`` grows with every change of keys or indexes; a write that was made for an older one is refused.
    """

    name = models.CharField(max_length=255)
    table_id = models.CharField(max_length=36, default=new_uuid)
    generation = models.BigIntegerField(default=1)
    deletion_protection = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region", "name"], name="dynamodb_table_name")
        ]

    def __str__(self) -> str:
        return self.arn

    @property
    def arn(self) -> str:
        return f"arn:aws:dynamodb:{self.region}:{self.account_id}:table/{self.name}"


class Index(models.Model):
    """A secondary index of a table. ``document`` holds its members as received."""

    table = models.ForeignKey(Table, on_delete=models.CASCADE, related_name="indexes")
    name = models.CharField(max_length=255)
    is_global = models.BooleanField()
    document = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["table", "name"], name="dynamodb_index_name")]

    def __str__(self) -> str:
        return f"{self.table}/index/{self.name}"


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


class IndexEntry(models.Model):
    """Where an item stands in a secondary index. The item itself is read from its own row."""

    pk = models.CompositePrimaryKey("index_id", "item_hash", "item_range")
    index_id = models.BigIntegerField()
    hash = models.BinaryField()
    range = models.BinaryField()
    item_hash = models.BinaryField()
    item_range = models.BinaryField()

    class Meta:
        indexes: ClassVar = [
            # Query and Scan of a secondary index, in its order.
            models.Index(fields=["index_id", "hash", "range", "item_hash", "item_range"], name="dynamodb_index_order")
        ]
