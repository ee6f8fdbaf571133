"""What an account has in a region besides resources."""

from typing import ClassVar

from django.db import models


class PreparedRegion(models.Model):
    """An account that has used a region: its default VPC was made once, and stays away when it was deleted."""

    account_id = models.CharField(max_length=12)
    region = models.CharField(max_length=32)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region"], name="ec2_region_prepared_once")
        ]

    def __str__(self) -> str:
        return f"{self.account_id}/{self.region}"


class ClientToken(models.Model):
    """A request that said how its repetition is known, and the answer that its repetitions get too.

    ``request`` is a digest of the request's other members; ``answer`` is coded (see tokens.py).
    """

    account_id = models.CharField(max_length=12)
    region = models.CharField(max_length=32)
    operation = models.CharField(max_length=64)
    token = models.CharField(max_length=255)
    request = models.CharField(max_length=64)
    answer = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region", "operation", "token"], name="ec2_client_token_once")
        ]
        # Forgetting those that are a day old.
        indexes: ClassVar = [models.Index(fields=["created_at"], name="ec2_old_client_tokens")]

    def __str__(self) -> str:
        return f"{self.operation} {self.token}"
