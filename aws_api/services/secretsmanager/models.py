"""The rows of Secrets Manager. Values are ciphertext; the statement of the hot read is in store.py."""

from datetime import datetime
from typing import ClassVar

from django.db import models

from aws_api.core.models import AwsResource
from aws_api.services.secretsmanager.names import secret_arn


class Secret(AwsResource):
    """A secret. ``suffix`` is the random end of its ARN: a secret made anew under the same name has another ARN.

    ``document`` holds what is only kept and described: RotationRules, RotationEnabled, ReplicationStatus,
    CrossAccountPrimary, CrossAccountReplicas, Type.
    """

    name = models.CharField(max_length=512)
    suffix = models.CharField(max_length=6)
    description = models.TextField(default="", blank=True)
    kms_key_id = models.CharField(max_length=2048, default="", blank=True)
    resource_policy = models.TextField(default="", blank=True)
    changed_at = models.DateTimeField()
    deletion_at = models.DateTimeField(null=True)
    accessed_on = models.DateField(null=True)
    rotation_started_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region", "name"], name="secretsmanager_secret_name")
        ]

    def __str__(self) -> str:
        return self.arn

    @property
    def arn(self) -> str:
        return secret_arn(self.account_id, self.region, self.name, self.suffix)

    def is_gone(self, now: datetime) -> bool:
        """Whether the recovery window is over: the secret is gone for good, whether or not its row is."""
        return self.deletion_at is not None and self.deletion_at <= now


class SecretVersion(models.Model):
    """A version of a secret: its value under a data key, the data key under KMS. No two versions share a stage."""

    secret = models.ForeignKey(Secret, on_delete=models.CASCADE, related_name="versions")
    version_id = models.CharField(max_length=64)
    stages = models.JSONField(default=list)
    is_binary = models.BooleanField()
    encrypted_key = models.BinaryField()
    encrypted_value = models.BinaryField()
    key_id = models.CharField(max_length=2048)
    has_managed_key = models.BooleanField()
    created_at = models.DateTimeField()
    accessed_on = models.DateField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["secret", "version_id"], name="secretsmanager_version_id")
        ]

    def __str__(self) -> str:
        return f"{self.secret} {self.version_id}"
