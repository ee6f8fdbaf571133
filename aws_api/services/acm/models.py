"""Rows of Certificate Manager. Private keys are encrypted, bound to the ARN."""

from typing import ClassVar

from django.db import models

from aws_api.core.models import AwsResource


class CertificateType(models.TextChoices):
    IMPORTED = "IMPORTED"
    AMAZON_ISSUED = "AMAZON_ISSUED"


class Certificate(AwsResource):
    """A certificate. ``document`` has what its bytes say, as DescribeCertificate has it."""

    arn = models.CharField(max_length=256, unique=True)
    type = models.CharField(max_length=16, choices=CertificateType.choices)
    domain_name = models.CharField(max_length=253)
    names = models.JSONField(default=list)
    key_algorithm = models.CharField(max_length=32)
    not_before = models.DateTimeField()
    not_after = models.DateTimeField()
    issued_at = models.DateTimeField()
    certificate = models.TextField()
    chain = models.TextField(default="", blank=True)
    encrypted_key = models.BinaryField()
    idempotency_token = models.CharField(max_length=32, default="", blank=True)
    options = models.JSONField(default=dict)

    class Meta:
        # A page of an account's certificates.
        indexes: ClassVar = [models.Index(fields=["account_id", "region", "id"], name="acm_certificate_list")]

    def __str__(self) -> str:
        return self.arn


class Authority(models.Model):
    """An account's own certificate authority."""

    account_id = models.CharField(max_length=12, unique=True)
    certificate = models.TextField()
    encrypted_key = models.BinaryField()

    def __str__(self) -> str:
        return self.account_id
