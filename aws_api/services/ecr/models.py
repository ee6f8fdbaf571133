"""Rows of ECR. Blobs' bytes are files (blobs.py); what belongs to which repository is here."""

from typing import ClassVar

from django.db import models

from aws_api.core.models import AwsResource


class TagMutability(models.TextChoices):
    MUTABLE = "MUTABLE"
    IMMUTABLE = "IMMUTABLE"
    MUTABLE_WITH_EXCLUSION = "MUTABLE_WITH_EXCLUSION"
    IMMUTABLE_WITH_EXCLUSION = "IMMUTABLE_WITH_EXCLUSION"


class Repository(AwsResource):
    """A repository. ``document`` holds its encryption, scanning, exclusion filters and policies."""

    name = models.CharField(max_length=256)
    tag_mutability = models.CharField(max_length=32, choices=TagMutability.choices, default=TagMutability.MUTABLE.value)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region", "name"], name="ecr_repository_name"),
        ]

    def __str__(self) -> str:
        return self.arn

    @property
    def arn(self) -> str:
        return f"arn:aws:ecr:{self.region}:{self.account_id}:repository/{self.name}"


class Image(models.Model):
    """A manifest or a list of manifests, exactly as pushed.

    ``blobs`` and ``manifests`` are the digests that it refers to; ``size_bytes`` is what they weigh together.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="images")
    digest = models.CharField(max_length=71)
    media_type = models.CharField(max_length=256)
    artifact_type = models.CharField(max_length=256, default="", blank=True)
    subject = models.CharField(max_length=71, default="", blank=True)
    body = models.BinaryField()
    blobs = models.JSONField(default=list)
    manifests = models.JSONField(default=list)
    size_bytes = models.BigIntegerField()
    pushed_at = models.DateTimeField()
    pulled_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "digest"], name="ecr_image_digest"),
        ]
        # The referrers of a manifest.
        indexes: ClassVar = [
            models.Index(fields=["repository", "subject"], condition=~models.Q(subject=""), name="ecr_referrers")
        ]

    def __str__(self) -> str:
        return f"{self.repository}@{self.digest}"


class ImageTag(models.Model):
    """A name for an image, unique in its repository."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="image_tags")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="image_tags")
    name = models.CharField(max_length=300)
    #: When the registry that the image was copied from last said that the tag still means it.
    checked_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "name"], name="ecr_tag_name"),
        ]

    def __str__(self) -> str:
        return f"{self.repository}:{self.name}"


class Layer(models.Model):
    """A blob that a repository has: a layer or an image's configuration."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="layers")
    digest = models.CharField(max_length=71)
    size_bytes = models.BigIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "digest"], name="ecr_layer_digest"),
        ]
        # Whether any repository still has a blob.
        indexes: ClassVar = [models.Index(fields=["digest"], name="ecr_layers_of_blob")]

    def __str__(self) -> str:
        return f"{self.repository} {self.digest}"


class LayerUpload(models.Model):
    """A blob under way. Its bytes so far are a file of the upload's id; the file's size is how far it is."""

    upload_id = models.UUIDField(primary_key=True)
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="uploads")
    touched_at = models.DateTimeField()

    class Meta:
        # Garbage: the uploads that nobody continued.
        indexes: ClassVar = [models.Index(fields=["touched_at"], name="ecr_stale_uploads")]

    def __str__(self) -> str:
        return str(self.upload_id)


class RegistrySettings(AwsResource):
    """What an account has set for its registry in a region; what it has not set is absent from ``document``."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region"], name="ecr_registry"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.region}"


class PullThroughCacheRule(AwsResource):
    """Repositories below ``prefix`` are copies of another registry's. ``document`` is the rule as it was given."""

    prefix = models.CharField(max_length=64)
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region", "prefix"], name="ecr_cache_rule"),
        ]

    def __str__(self) -> str:
        return self.prefix


class RepositoryCreationTemplate(AwsResource):
    """What repositories below ``prefix`` are made like when ECR makes them itself; the prefix ROOT stands for all."""

    prefix = models.CharField(max_length=256)
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region", "prefix"], name="ecr_creation_template"),
        ]

    def __str__(self) -> str:
        return self.prefix
