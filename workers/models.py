"""What workers keep for themselves: leases, pulls, and how far each container's output was shipped."""

from typing import ClassVar

from django.db import models


class Lease(models.Model):
    """Who reconciles a resource now. ``kicked_again`` remembers a kick that came meanwhile."""

    kind = models.CharField(max_length=64)
    key = models.CharField(max_length=512)
    owner = models.CharField(max_length=36)
    until = models.DateTimeField()
    kicked_again = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["kind", "key"], name="one_lease_a_resource")]
        # The sweep asks for lapsed ones.
        indexes: ClassVar = [models.Index(fields=["until"], name="lease_until")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} by {self.owner}"


class PullStatus(models.TextChoices):
    """How a pull stands."""

    PULLING = "PULLING"
    PULLED = "PULLED"
    FAILED = "FAILED"


class Pull(models.Model):
    """An image's last way to the engine, shared by everybody who waits for it.

    ``subject`` is the image, and a digest of the credentials where there are some. ``waiting`` lists the [kind, key]
    of resources to kick when it ends; ``failed_for`` and
    ``pulled_for`` those who have yet to hear how it ended. ``progress`` maps layer
    to ``{status, done, total}``. ``image_id`` and ``digest`` say what was brought under this name.
    """

    subject = models.CharField(max_length=640, primary_key=True)
    image = models.CharField(max_length=512)
    status = models.CharField(max_length=16, choices=PullStatus)
    progress = models.JSONField(default=dict)
    waiting = models.JSONField(default=list)
    failed_for = models.JSONField(default=list)
    pulled_for = models.JSONField(default=list)
    reason = models.TextField(blank=True)
    image_id = models.CharField(max_length=128, blank=True)
    digest = models.CharField(max_length=128, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["-started_at"], name="pull_newest")]

    def __str__(self) -> str:
        return f"{self.image}: {self.status}"


class LogCursor(models.Model):
    """How far a container's output was shipped: all lines before ``at_ns``, and ``count`` of those at it.

    ``finished`` is true when the container has ended and nothing of its output is left.
    """

    container_id = models.CharField(max_length=64, primary_key=True)
    at_ns = models.BigIntegerField(default=0)
    count = models.IntegerField(default=0)
    finished = models.BooleanField(default=False)
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.container_id[:12]} at {self.at_ns}"
