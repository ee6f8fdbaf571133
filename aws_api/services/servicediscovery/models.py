"""Rows of Cloud Map."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower

from aws_api.core.models import AwsResource


class NamespaceType(models.TextChoices):
    DNS_PUBLIC = "DNS_PUBLIC"
    DNS_PRIVATE = "DNS_PRIVATE"
    HTTP = "HTTP"


class ServiceType(models.TextChoices):
    HTTP = "HTTP"
    DNS_HTTP = "DNS_HTTP"


class Health(models.TextChoices):
    HEALTHY = "HEALTHY"
    UNHEALTHY = "UNHEALTHY"


class Namespace(AwsResource):
    """A namespace; one of DNS has a hosted zone, a private one a VPC besides."""

    namespace_id = models.CharField(max_length=64)
    name = models.CharField(max_length=1024)
    type = models.CharField(max_length=16, choices=NamespaceType.choices)
    description = models.CharField(max_length=1024, default="", blank=True)
    creator_request_id = models.CharField(max_length=64, default="", blank=True)
    vpc_id = models.CharField(max_length=64, default="", blank=True)
    hosted_zone_id = models.CharField(max_length=32, default="", blank=True)
    soa_ttl_s = models.BigIntegerField(default=15)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region", "namespace_id"], name="discovery_namespace_id"),
            models.UniqueConstraint(fields=["account_id", "region", "name", "vpc_id"], name="discovery_namespace_once"),
        ]

    def __str__(self) -> str:
        return self.namespace_id

    @property
    def arn(self) -> str:
        return f"arn:aws:servicediscovery:{self.region}:{self.account_id}:namespace/{self.namespace_id}"


class Service(AwsResource):
    """A service; ``document`` has DnsConfig and the health checks as received. ``revision`` counts the changes of its
    instances."""

    namespace = models.ForeignKey(Namespace, on_delete=models.PROTECT, related_name="services")
    service_id = models.CharField(max_length=64)
    name = models.CharField(max_length=127)
    type = models.CharField(max_length=16, choices=ServiceType.choices)
    description = models.CharField(max_length=1024, default="", blank=True)
    creator_request_id = models.CharField(max_length=64, default="", blank=True)
    attributes = models.JSONField(default=dict)
    #: Whether anybody says how its instances are; else that is unknown.
    has_health = models.BooleanField(default=False)
    revision = models.BigIntegerField(default=1)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region", "service_id"], name="discovery_service_id"),
            # As names in DNS, whatever their case.
            models.UniqueConstraint("namespace", Lower("name"), name="discovery_service_name_once"),
        ]

    def __str__(self) -> str:
        return self.service_id

    @property
    def arn(self) -> str:
        return f"arn:aws:servicediscovery:{self.region}:{self.account_id}:service/{self.service_id}"


class Instance(models.Model):
    """An instance of a service."""

    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="instances")
    instance_id = models.CharField(max_length=64, db_collation="C")
    attributes = models.JSONField(default=dict)
    creator_request_id = models.CharField(max_length=64, default="", blank=True)
    health = models.CharField(max_length=16, choices=Health.choices, default=Health.HEALTHY)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["service", "instance_id"], name="discovery_instance_once")
        ]

    def __str__(self) -> str:
        return self.instance_id


class OperationRecord(models.Model):
    """An operation that AWS would carry out in the background, and what came of it."""

    operation_id = models.CharField(max_length=64)
    account_id = models.CharField(max_length=12)
    region = models.CharField(max_length=32)
    type = models.CharField(max_length=32)
    status = models.CharField(max_length=16)
    targets = models.JSONField(default=dict)
    namespace_id = models.CharField(max_length=64, default="", blank=True)
    error_code = models.CharField(max_length=64, default="", blank=True)
    error_message = models.TextField(default="", blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region", "operation_id"], name="discovery_operation_id")
        ]
        # ListOperations by date, and forgetting old ones.
        indexes: ClassVar = [models.Index(fields=["account_id", "region", "at"], name="discovery_operations_by_date")]

    def __str__(self) -> str:
        return self.operation_id
