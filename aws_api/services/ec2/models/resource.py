"""What every row of a resource with an id has."""

from typing import ClassVar

from django.db import models

from aws_api.core.models import AwsResource
from aws_api.services.ec2 import kinds


class Ec2Resource(AwsResource):
    """Base of every resource with an id of EC2's form."""

    kind: ClassVar[kinds.Kind]

    resource_id = models.CharField(max_length=64)

    class Meta:
        abstract = True
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "region", "resource_id"], name="%(app_label)s_%(class)s_id")
        ]

    def __str__(self) -> str:
        return self.resource_id

    @property
    def arn(self) -> str:
        return f"arn:aws:ec2:{self.region}:{self.account_id}:{self.kind.name}/{self.resource_id}"


def ec2_resources() -> list[type[Ec2Resource]]:
    """Every model of a resource that has an id, and so tags."""
    return sorted(Ec2Resource.__subclasses__(), key=lambda model: model.kind.name)


def model_of(resource_id: str) -> type[Ec2Resource] | None:
    """The model whose ids begin as this one does, the longest such beginning: ``eni-perm-1`` is no interface's."""
    matching = [model for model in ec2_resources() if model.kind.matches(resource_id)]
    return max(matching, key=lambda model: len(model.kind.prefix), default=None)
