"""What every row has, and the rows that belong to no single service."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from aws_api.core.account_rows import AccountRows
from aws_api.core.ids import new_access_key_id, new_secret_access_key


class Account(models.Model):
    """An AWS account with the keys of its root user. The default account's keys come from the settings."""

    account_id = models.CharField(max_length=12, primary_key=True)
    alias = models.CharField(max_length=63, default="", blank=True)
    root_access_key_id = models.CharField(max_length=32, unique=True, default=new_access_key_id)
    root_secret_access_key = models.CharField(max_length=128, default=new_secret_access_key)
    created_at = models.DateTimeField(auto_now_add=True)
    #: What ids of the account are made of, and how many calls made some since it was set (aws_api/core/seeds.py).
    id_seed = models.CharField(max_length=64, default="", blank=True)
    id_calls = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(account_id__regex=r"^\d{12}$"), name="account_id_is_12_digits")
        ]

    def __str__(self) -> str:
        return self.account_id


class AwsResource(models.Model):
    """Base of every row of a service: scoped to an account and a region (global services use ``aws-global``).

    ``tags`` maps key to value. ``document`` is the AWS shape as received; what the emulator decides, filters or joins
    by is a column of its own.
    """

    account_id = models.CharField(max_length=12)
    region = models.CharField(max_length=32)
    tags = models.JSONField(default=dict, blank=True)
    document = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        abstract = True


class Snapshot(models.Model):
    """What an account's state was (aws_api/core/account_state.py). It outlives what it is of, so it refers by name."""

    snapshot_id = models.CharField(max_length=32, primary_key=True)
    of_account = models.CharField(max_length=12, db_index=True)
    name = models.CharField(max_length=128, blank=True)
    created_at = models.DateTimeField()
    rows = models.BigIntegerField()
    size_bytes = models.BigIntegerField()
    contents = models.BinaryField()

    def __str__(self) -> str:
        return self.snapshot_id


class Transition(models.Model):
    """A change of a reconciled resource's status, kept for the timeline."""

    kind = models.CharField(max_length=64)
    key = models.CharField(max_length=512)
    account_id = models.CharField(max_length=12)
    region = models.CharField(max_length=32)
    before = models.CharField(max_length=32, blank=True)
    after = models.CharField(max_length=32)
    cause = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        # A resource's timeline.
        indexes: ClassVar = [models.Index(fields=["kind", "key", "at"], name="transition_timeline")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}: {self.before} -> {self.after}"


class PlanRecord(models.Model):
    """A plan that the loop executed for a resource: its printed steps, and the reason where one failed."""

    kind = models.CharField(max_length=64)
    key = models.CharField(max_length=512)
    text = models.TextField()
    failure = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["kind", "key", "at"], name="plan_history")]

    def __str__(self) -> str:
        return self.text


class HostPort(models.Model):
    """An address of a VPC that an owner publishes on the host (aws_api/core/host_ports.py); the relay writes ``last_``.

    One owner publishes a port of its own once for each purpose.
    """

    owner = models.CharField(max_length=512)
    purpose = models.CharField(max_length=32)
    account_id = models.CharField(max_length=12)
    region = models.CharField(max_length=32)
    network_name = models.CharField(max_length=255)
    address = models.GenericIPAddressField(protocol="IPv4")
    port = models.PositiveIntegerField()
    protocol = models.CharField(max_length=3)
    wanted_port = models.PositiveIntegerField(null=True, blank=True)
    origin = models.CharField(max_length=16)
    created_at = models.DateTimeField()

    last_port = models.PositiveIntegerField(null=True, blank=True)
    last_status = models.CharField(max_length=16, default="PENDING")
    last_failure = models.TextField(default="", blank=True)

    account_rows: ClassVar = AccountRows(restored_as={"last_port": None, "last_status": "PENDING", "last_failure": ""})

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "purpose", "protocol", "port"], name="host_port_published_once"),
            models.CheckConstraint(condition=Q(protocol__in=["tcp", "udp"]), name="host_port_protocol"),
            models.CheckConstraint(condition=Q(port__gte=1) & Q(port__lte=65535), name="host_port_is_a_port"),
        ]

    def __str__(self) -> str:
        return f"{self.address}:{self.port}/{self.protocol} of {self.owner}"


class PortForward(models.Model):
    """A way from the host to a target that somebody asked for (aws_api/core/port_forwards.py)."""

    forward_id = models.CharField(max_length=32, unique=True)
    account_id = models.CharField(max_length=12)
    region = models.CharField(max_length=32)
    target_arn = models.CharField(max_length=512)
    target_port = models.PositiveIntegerField()
    protocol = models.CharField(max_length=3)
    wanted_port = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        # Who follows the changes of an account's targets.
        indexes: ClassVar = [models.Index(fields=["account_id", "region"], name="port_forwards_of_account")]

    def __str__(self) -> str:
        return self.forward_id


class Fault(models.Model):
    """A rule that makes what matches fail, until it expires (aws_api/core/faults.py).

    ``seen`` counts what matched, ``hits`` what was made to fail. ``last_failure`` is what kept it from doing so.
    """

    fault_id = models.CharField(max_length=32, unique=True)
    account_id = models.CharField(max_length=12)
    region = models.CharField(max_length=32, blank=True)
    effect_type = models.CharField(max_length=32)
    scope = models.JSONField(default=dict)
    effect = models.JSONField(default=dict)
    probability = models.FloatField(default=1)
    times = models.PositiveIntegerField(null=True, blank=True)
    seen = models.BigIntegerField(default=0)
    hits = models.BigIntegerField(default=0)
    last_failure = models.TextField(default="", blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(probability__gte=0) & Q(probability__lte=1), name="fault_probability"),
        ]
        # An account's faults in force; what has expired.
        indexes: ClassVar = [
            models.Index(fields=["account_id", "expires_at"], name="faults_of_account"),
            models.Index(fields=["expires_at"], name="fault_expiry"),
        ]

    def __str__(self) -> str:
        return self.fault_id


class FaultHit(models.Model):
    """Something that a fault has hit and hits no second time: a task, or a container of it."""

    fault = models.ForeignKey(Fault, on_delete=models.CASCADE, related_name="subjects")
    subject = models.CharField(max_length=768)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["fault", "subject"], name="fault_hits_once")]

    def __str__(self) -> str:
        return self.subject
