"""The rows of the Parameter Store. The statements of the hot reads are in store.py."""

from typing import ClassVar

from django.db import models

from aws_api.core.models import AwsResource
from aws_api.services.ssm.names import parameter_arn


class Parameter(AwsResource):
    """A parameter. What it says is in its versions; ``latest_version`` names the one that is read by default."""

    name = models.CharField(max_length=2048)
    latest_version = models.IntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region", "name"], name="ssm_parameter_name")
        ]

    def __str__(self) -> str:
        return self.arn

    @property
    def arn(self) -> str:
        return parameter_arn(self.account_id, self.region, self.name)


class ParameterVersion(models.Model):
    """One version of a parameter. ``value`` is ciphertext in base64 where the type is SecureString.

    ``key_id`` is the KMS key as the caller named it; ``has_managed_key`` says that it is AWS's own, which everybody may
    use who may read the parameter.
    """

    class Type(models.TextChoices):
        STRING = "String"
        STRING_LIST = "StringList"
        SECURE_STRING = "SecureString"

    class Tier(models.TextChoices):
        STANDARD = "Standard"
        ADVANCED = "Advanced"

    parameter = models.ForeignKey(Parameter, on_delete=models.CASCADE, related_name="versions")
    version = models.IntegerField()
    type = models.CharField(max_length=16, choices=Type.choices)
    value = models.TextField()
    key_id = models.CharField(max_length=2048, default="", blank=True)
    has_managed_key = models.BooleanField(default=False)
    tier = models.CharField(max_length=16, choices=Tier.choices)
    data_type = models.CharField(max_length=128)
    description = models.TextField(default="", blank=True)
    allowed_pattern = models.TextField(default="", blank=True)
    policies = models.JSONField(default=list)
    labels = models.JSONField(default=list)
    modified_at = models.DateTimeField()
    modified_by = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["parameter", "version"], name="ssm_parameter_version_number")
        ]

    def __str__(self) -> str:
        return f"{self.parameter}:{self.version}"
