"""Who uses a shared server: roles of Django's users, tokens of programs, and what both did."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

#: In the place of an account's id: all of them.
EVERY_ACCOUNT = "*"


class Role(models.TextChoices):
    """What somebody may do with an account: look; act as its users do; also see its keys and empty it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


class Membership(models.Model):
    """A user's role in an account, or in every account."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    of_account = models.CharField(max_length=12)
    role = models.CharField(max_length=8, choices=Role.choices)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "of_account"], name="membership_once"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.role} of {self.of_account}"


class ApiToken(models.Model):
    """A program's token. Only its SHA-256 is kept: 256 random bits need no slow hash."""

    name = models.CharField(max_length=128)
    digest = models.CharField(max_length=64, unique=True)
    of_account = models.CharField(max_length=12)
    role = models.CharField(max_length=8, choices=Role.choices)
    made_by = models.CharField(max_length=150)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(role__in=Role.values), name="token_role")]

    def __str__(self) -> str:
        return self.name


class AuditEntry(models.Model):
    """Something that somebody changed, or tried to, over the console or the admin API."""

    at = models.DateTimeField(db_index=True)
    who = models.CharField(max_length=150)
    address = models.CharField(max_length=45)
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=1024)
    of_account = models.CharField(max_length=12, blank=True)
    status = models.PositiveSmallIntegerField()

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.who} {self.method} {self.path} {self.status}"
