"""Rows of Route 53. Names end in a dot, as in its API."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from aws_api.core.models import AwsResource


class HostedZone(AwsResource):
    """A zone. ``version`` grows with every change of its records; ``owner`` is the service that made it, if one did."""

    zone_id = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=255)
    #: The labels from the last to the first: the order of ListHostedZonesByName.
    sort_name = models.CharField(max_length=255, db_collation="C")
    caller_reference = models.CharField(max_length=128)
    comment = models.CharField(max_length=256, default="", blank=True)
    is_private = models.BooleanField(default=False)
    owner = models.CharField(max_length=128, default="", blank=True)
    owner_description = models.CharField(max_length=256, default="", blank=True)
    version = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "caller_reference"], name="route53_zone_reference_once")
        ]
        # ListHostedZonesByName; the public zones that an account's VPCs see.
        indexes: ClassVar = [models.Index(fields=["account_id", "sort_name"], name="route53_zones_by_name")]

    def __str__(self) -> str:
        return self.zone_id

    @property
    def arn(self) -> str:
        return f"arn:aws:route53:::hostedzone/{self.zone_id}"


class ZoneVpc(models.Model):
    """A VPC that sees a private zone."""

    zone = models.ForeignKey(HostedZone, on_delete=models.CASCADE, related_name="vpcs")
    account_id = models.CharField(max_length=12)
    region = models.CharField(max_length=32)
    vpc_id = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["zone", "region", "vpc_id"], name="route53_vpc_once_a_zone")
        ]
        # The zones that a VPC sees.
        indexes: ClassVar = [models.Index(fields=["vpc_id", "region"], name="route53_zones_of_vpc")]

    def __str__(self) -> str:
        return f"{self.zone} {self.vpc_id}"


class VpcAuthorization(models.Model):
    """A VPC of another account that may be associated with a zone."""

    zone = models.ForeignKey(HostedZone, on_delete=models.CASCADE, related_name="authorizations")
    region = models.CharField(max_length=32)
    vpc_id = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["zone", "region", "vpc_id"], name="route53_authorization_once")
        ]

    def __str__(self) -> str:
        return f"{self.zone} {self.vpc_id}"


class RecordSet(models.Model):
    """A resource record set; ``document`` is its shape as received. ``key`` tells whose it is within a zone that a
    service manages."""

    zone = models.ForeignKey(HostedZone, on_delete=models.CASCADE, related_name="record_sets")
    name = models.CharField(max_length=1024)
    sort_name = models.CharField(max_length=1024, db_collation="C")
    type = models.CharField(max_length=8, db_collation="C")
    set_identifier = models.CharField(max_length=128, default="", blank=True, db_collation="C")
    document = models.JSONField(default=dict)
    key = models.CharField(max_length=255, default="", blank=True)
    is_healthy = models.BooleanField(default=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["zone", "sort_name", "type", "set_identifier"], name="route53_set_once")
        ]
        # What a service keeps under a key.
        indexes: ClassVar = [models.Index(fields=["zone", "key"], name="route53_sets_of_key", condition=~Q(key=""))]

    def __str__(self) -> str:
        return f"{self.name} {self.type} {self.set_identifier}".rstrip()


class Change(models.Model):
    """A change that was asked for; it is in force at once."""

    change_id = models.CharField(max_length=32, unique=True)
    account_id = models.CharField(max_length=12)
    comment = models.CharField(max_length=256, default="", blank=True)
    submitted_at = models.DateTimeField()

    class Meta:
        # Forgetting old ones.
        indexes: ClassVar = [models.Index(fields=["account_id", "submitted_at"], name="route53_old_changes")]

    def __str__(self) -> str:
        return self.change_id


class HealthCheck(AwsResource):
    """A health check as stored; ``document`` is its configuration. Nothing is probed: it is healthy."""

    health_check_id = models.CharField(max_length=36, unique=True)
    caller_reference = models.CharField(max_length=64)
    version = models.IntegerField(default=1)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "caller_reference"], name="route53_check_reference_once")
        ]

    def __str__(self) -> str:
        return self.health_check_id
