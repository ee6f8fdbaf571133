"""Rows of Elastic Load Balancing. Operations write what is wanted; ``last_`` columns are the controller's and, of
targets, those of the load balancer's own reports."""

from typing import ClassVar

from django.db import models
from django.db.models import Deferrable, Q

from aws_api.core.models import AwsResource


class LoadBalancerStatus(models.TextChoices):
    """AWS's states of a load balancer."""

    PROVISIONING = "provisioning"
    ACTIVE = "active"
    ACTIVE_IMPAIRED = "active_impaired"
    FAILED = "failed"


class TargetState(models.TextChoices):
    """AWS's states of a target's health."""

    INITIAL = "initial"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNUSED = "unused"
    DRAINING = "draining"


class LoadBalancer(AwsResource):
    """A load balancer.

    ``interfaces`` are its network interfaces in the order of its subnets: ``{"id", "subnet_id", "zone"}``. One that is
    deleted keeps its row until its container and interfaces are gone.
    """

    arn = models.CharField(max_length=256, unique=True)
    name = models.CharField(max_length=32)
    #: The last part of the ARN, and what tells its DNS name from others.
    resource_id = models.CharField(max_length=16)
    dns_label = models.CharField(max_length=80)
    type = models.CharField(max_length=16)
    scheme = models.CharField(max_length=16)
    vpc_id = models.CharField(max_length=64)
    ip_address_type = models.CharField(max_length=40, default="ipv4")
    security_group_ids = models.JSONField(default=list)
    interfaces = models.JSONField(default=list)
    attributes = models.JSONField(default=dict)
    desired_deleted = models.BooleanField(default=False)
    last_status = models.CharField(max_length=20, default=LoadBalancerStatus.PROVISIONING.value)
    last_failure = models.TextField(default="", blank=True)
    #: What the container was last configured with, as a digest.
    last_configuration = models.CharField(max_length=64, default="", blank=True)
    last_checked_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account_id", "region", "name"], condition=Q(desired_deleted=False), name="elbv2_name_once"
            )
        ]
        # The zone of a VPC's names.
        indexes: ClassVar = [models.Index(fields=["account_id", "region", "vpc_id"], name="elbv2_vpc")]

    def __str__(self) -> str:
        return self.arn

    @property
    def dns_name(self) -> str:
        return f"{self.dns_label}.{self.dns_zone}"

    @property
    def dns_zone(self) -> str:
        """Network load balancers have their region and ELB's name the other way around."""
        if self.type == "network":
            return f"elb.{self.region}.amazonaws.com"
        return f"{self.region}.elb.amazonaws.com"


class TargetGroup(AwsResource):
    """A target group. ``health_check`` has the members of AWS's shape that begin with HealthCheck, and the thresholds
    and the Matcher. ``version`` grows with each change of its targets."""

    arn = models.CharField(max_length=256, unique=True)
    name = models.CharField(max_length=32)
    resource_id = models.CharField(max_length=16)
    target_type = models.CharField(max_length=16)
    protocol = models.CharField(max_length=16)
    protocol_version = models.CharField(max_length=8, default="", blank=True)
    port = models.PositiveIntegerField()
    vpc_id = models.CharField(max_length=64)
    ip_address_type = models.CharField(max_length=8, default="ipv4")
    health_check = models.JSONField(default=dict)
    attributes = models.JSONField(default=dict)
    version = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region", "name"], name="elbv2_target_group_name_once")
        ]

    def __str__(self) -> str:
        return self.arn


class Target(models.Model):
    """A registered target, or one that is being deregistered: ``draining_since`` is set then.

    ``address`` is where the target is: the id itself, or what an instance's or a load balancer's id stands for.
    ``fails_checks``: a fault wants its health checks to fail.
    """

    group = models.ForeignKey(TargetGroup, on_delete=models.CASCADE, related_name="targets")
    target_id = models.CharField(max_length=256)
    port = models.PositiveIntegerField()
    availability_zone = models.CharField(max_length=32, default="", blank=True)
    address = models.GenericIPAddressField(protocol="IPv4", null=True)
    registered_at = models.DateTimeField()
    draining_since = models.DateTimeField(null=True)
    fails_checks = models.BooleanField(default=False)
    last_state = models.CharField(max_length=12, default=TargetState.INITIAL.value)
    last_reason = models.CharField(max_length=64, default="", blank=True)
    last_description = models.CharField(max_length=256, default="", blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["group", "target_id", "port"], name="elbv2_target_once")
        ]
        # Targets whose draining is to be ended.
        indexes: ClassVar = [
            models.Index(fields=["draining_since"], condition=Q(draining_since__isnull=False), name="elbv2_draining")
        ]

    def __str__(self) -> str:
        return f"{self.target_id}:{self.port}"


class Listener(AwsResource):
    """A port of a load balancer. ``certificates`` are ARNs, the default one first."""

    load_balancer = models.ForeignKey(LoadBalancer, on_delete=models.CASCADE, related_name="listeners")
    arn = models.CharField(max_length=256, unique=True)
    protocol = models.CharField(max_length=8)
    port = models.PositiveIntegerField()
    ssl_policy = models.CharField(max_length=64, default="", blank=True)
    alpn_policy = models.CharField(max_length=16, default="", blank=True)
    certificates = models.JSONField(default=list)
    attributes = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["load_balancer", "port"], name="elbv2_listener_port_once")
        ]

    def __str__(self) -> str:
        return self.arn


class Rule(AwsResource):
    """A rule of a listener; ``priority`` is None for the default one, which has the listener's default actions."""

    listener = models.ForeignKey(Listener, on_delete=models.CASCADE, related_name="rules")
    arn = models.CharField(max_length=256, unique=True)
    priority = models.PositiveIntegerField(null=True)
    conditions = models.JSONField(default=list)
    actions = models.JSONField(default=list)
    transforms = models.JSONField(default=list)
    target_groups = models.ManyToManyField(TargetGroup, related_name="rules")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["listener", "priority"], deferrable=Deferrable.DEFERRED, name="elbv2_priority_once"
            ),
            models.UniqueConstraint(
                fields=["listener"], condition=Q(priority__isnull=True), name="elbv2_one_default_rule"
            ),
        ]

    def __str__(self) -> str:
        return self.arn

    @property
    def is_default(self) -> bool:
        return self.priority is None


class TrafficMinute(models.Model):
    """What a load balancer carried in a minute, alone or by target group; ``figures`` are sums by metric."""

    load_balancer = models.ForeignKey(LoadBalancer, on_delete=models.CASCADE, related_name="traffic")
    #: ``targetgroup/name/id``; empty for all of the load balancer's.
    target_group = models.CharField(max_length=128, default="", blank=True)
    minute = models.DateTimeField()
    figures = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["load_balancer", "target_group", "minute"], name="elbv2_traffic_once")
        ]
        # What is forgotten after some hours.
        indexes: ClassVar = [models.Index(fields=["minute"], name="elbv2_traffic_age")]

    def __str__(self) -> str:
        return f"{self.load_balancer} {self.target_group} {self.minute}"
