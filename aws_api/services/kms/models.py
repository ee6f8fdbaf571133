"""The rows of KMS. Key material is encrypted at rest; the statements of the hot operations are in store.py."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from aws_api.core.models import AwsResource


class Key(AwsResource):
    """A KMS key. Its material is in KeyMaterial, so that describing a key never touches it."""

    class State(models.TextChoices):
        ENABLED = "Enabled"
        DISABLED = "Disabled"
        PENDING_DELETION = "PendingDeletion"

    class Manager(models.TextChoices):
        AWS = "AWS"
        CUSTOMER = "CUSTOMER"

    key_id = models.CharField(max_length=64, unique=True)
    spec = models.CharField(max_length=32)
    usage = models.CharField(max_length=32)
    state = models.CharField(max_length=24, choices=State.choices, default=State.ENABLED)
    manager = models.CharField(max_length=8, choices=Manager.choices, default=Manager.CUSTOMER)
    is_multi_region = models.BooleanField(default=False)
    description = models.TextField(default="", blank=True)
    policy = models.TextField()
    deletion_at = models.DateTimeField(null=True)
    rotation_period_days = models.IntegerField(null=True)
    rotation_enabled_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state="PendingDeletion", deletion_at__isnull=False)
                | (~Q(state="PendingDeletion") & Q(deletion_at__isnull=True)),
                name="kms_key_deletion_date",
            )
        ]
        # ListKeys.
        indexes: ClassVar = [models.Index(fields=["account_id", "region", "key_id"], name="kms_key_list")]

    def __str__(self) -> str:
        return self.arn

    @property
    def arn(self) -> str:
        return f"arn:aws:kms:{self.region}:{self.account_id}:key/{self.key_id}"

    def is_deleted(self, now: datetime) -> bool:
        """Whether the deletion window is over: the key is gone for good, whether or not its row is."""
        return self.deletion_at is not None and self.deletion_at <= now


class KeyMaterial(models.Model):
    """What a key encrypts with, encrypted at rest. The highest ``number`` is current; the older ones only decrypt."""

    key = models.ForeignKey(Key, on_delete=models.CASCADE, related_name="materials")
    number = models.IntegerField()
    material_id = models.CharField(max_length=64)
    encrypted = models.BinaryField()
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["key", "number"], name="kms_key_material_number")]

    def __str__(self) -> str:
        return self.material_id


class Alias(models.Model):
    """A name for a key, ``alias/...``."""

    account_id = models.CharField(max_length=12)
    region = models.CharField(max_length=32)
    name = models.CharField(max_length=256)
    target_key = models.ForeignKey(Key, on_delete=models.CASCADE, related_name="aliases")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region", "name"], name="kms_alias_name")
        ]

    def __str__(self) -> str:
        return self.arn

    @property
    def arn(self) -> str:
        return f"arn:aws:kms:{self.region}:{self.account_id}:{self.name}"


class Grant(models.Model):
    """A permission to use a key that somebody was handed. ``document`` holds CreateGrant's members as received."""

    key = models.ForeignKey(Key, on_delete=models.CASCADE, related_name="grants")
    grant_id = models.CharField(max_length=64, unique=True)
    token = models.CharField(max_length=512, unique=True)
    grantee_principal = models.TextField(default="", blank=True)
    retiring_principal = models.TextField(default="", blank=True)
    document = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        # ListRetirableGrants.
        indexes: ClassVar = [models.Index(fields=["retiring_principal", "grant_id"], name="kms_grant_retirable")]

    def __str__(self) -> str:
        return self.grant_id
