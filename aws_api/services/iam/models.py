"""Rows of IAM. Names are unique per account without regard to case, as IAM's are."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower

from aws_api.core.models import AwsResource


class IdentityKind(models.TextChoices):
    """What policies are put on."""

    USER = "user"
    GROUP = "group"
    ROLE = "role"


class AccessKeyStatus(models.TextChoices):
    ACTIVE = "Active"
    INACTIVE = "Inactive"


class Identity(AwsResource):
    """A user, group or role. ``document`` holds what is only described (description, permissions boundary).

    ``trust_policy`` and ``max_session_duration_s`` are a role's.
    """

    kind = models.CharField(max_length=8, choices=IdentityKind.choices)
    name = models.CharField(max_length=128)
    path = models.CharField(max_length=512, default="/")
    unique_id = models.CharField(max_length=32, unique=True)
    trust_policy = models.TextField(default="", blank=True)
    max_session_duration_s = models.PositiveIntegerField(default=3600)
    groups = models.ManyToManyField("self", symmetrical=False, related_name="members")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("account_id", "kind", Lower("name"), name="iam_identity_name"),
            models.CheckConstraint(
                condition=models.Q(max_session_duration_s__range=(3600, 43200)), name="iam_session_1_to_12_hours"
            ),
        ]

    def __str__(self) -> str:
        return self.arn

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account_id}:{self.kind}{self.path}{self.name}"


class AccessKey(models.Model):
    """A user's lasting key."""

    user = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="access_keys")
    access_key_id = models.CharField(max_length=32, unique=True)
    secret_access_key = models.CharField(max_length=128)
    status = models.CharField(max_length=8, choices=AccessKeyStatus.choices, default=AccessKeyStatus.ACTIVE)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    last_used_service = models.CharField(max_length=64, default="", blank=True)
    last_used_region = models.CharField(max_length=32, default="", blank=True)

    def __str__(self) -> str:
        return self.access_key_id


class ManagedPolicy(AwsResource):
    """A customer managed policy."""

    name = models.CharField(max_length=128)
    path = models.CharField(max_length=512, default="/")
    unique_id = models.CharField(max_length=32, unique=True)
    arn = models.CharField(max_length=1024, unique=True)
    description = models.TextField(default="", blank=True)
    latest_version = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("account_id", Lower("name"), name="iam_managed_policy_name"),
        ]

    def __str__(self) -> str:
        return self.arn


class PolicyVersion(models.Model):
    """One of up to five documents of a managed policy; one of them is the default."""

    policy = models.ForeignKey(ManagedPolicy, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    document = models.TextField()
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["policy", "number"], name="iam_policy_version_number"),
            models.UniqueConstraint(
                fields=["policy"], condition=models.Q(is_default=True), name="iam_one_default_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy} v{self.number}"


class InlinePolicy(models.Model):
    """A document that belongs to one identity."""

    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="inline_policies")
    name = models.CharField(max_length=128)
    document = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["identity", "name"], name="iam_inline_policy_name"),
        ]

    def __str__(self) -> str:
        return f"{self.identity} {self.name}"


class Attachment(models.Model):
    """A managed policy on an identity, by ARN: AWS's own policies have no row."""

    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="attachments")
    policy_arn = models.CharField(max_length=1024)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["identity", "policy_arn"], name="iam_attached_once"),
        ]
        # ListEntitiesForPolicy and attachment counts.
        indexes: ClassVar = [models.Index(fields=["policy_arn"], name="iam_attachments_of_policy")]

    def __str__(self) -> str:
        return f"{self.identity} {self.policy_arn}"


class InstanceProfile(AwsResource):
    """What hands a role to an EC2 instance."""

    name = models.CharField(max_length=128)
    path = models.CharField(max_length=512, default="/")
    unique_id = models.CharField(max_length=32, unique=True)
    role = models.ForeignKey(Identity, on_delete=models.PROTECT, null=True, related_name="instance_profiles")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("account_id", Lower("name"), name="iam_instance_profile_name"),
        ]

    def __str__(self) -> str:
        return self.arn

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account_id}:instance-profile{self.path}{self.name}"


class UsedAction(models.Model):
    """A permission that a user or role asked for, however often, and whether it got it."""

    account_id = models.CharField(max_length=12)
    principal_arn = models.TextField()
    action = models.TextField()
    resource = models.TextField()
    allowed = models.BooleanField()
    calls = models.BigIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["principal_arn", "action", "resource", "allowed"], name="iam_used_action_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.principal_arn} {self.action} {self.resource}"


class LoginProfile(models.Model):
    """That a user has a password for the AWS console; the hash is kept, nothing here logs in with it."""

    user = models.OneToOneField(Identity, on_delete=models.CASCADE, related_name="login_profile")
    password_hash = models.CharField(max_length=256)
    reset_required = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"login of {self.user}"


class PasswordPolicy(models.Model):
    """What an account demands of its users' passwords."""

    account_id = models.CharField(max_length=12, primary_key=True)
    document = models.JSONField()

    def __str__(self) -> str:
        return f"password policy of {self.account_id}"


class OidcProvider(AwsResource):
    """An OpenID Connect provider whose tokens AssumeRoleWithWebIdentity may take.

    ``host`` is the issuer's URL without its scheme; ``document`` holds ClientIDList and ThumbprintList.
    """

    host = models.CharField(max_length=255)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "host"], name="iam_oidc_provider_host"),
        ]

    def __str__(self) -> str:
        return self.arn

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account_id}:oidc-provider/{self.host}"
