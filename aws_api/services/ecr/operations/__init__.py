"""The operations of ECR, one module per family.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Operations.html
"""

from aws_api.services.ecr.operations import (
    authorization,
    cache_rules,
    creation_templates,
    images,
    layers,
    lifecycle_previews,
    policies,
    registry,
    repositories,
    scans,
    settings,
    tags,
)

__all__ = [
    "authorization",
    "cache_rules",
    "creation_templates",
    "images",
    "layers",
    "lifecycle_previews",
    "policies",
    "registry",
    "repositories",
    "scans",
    "settings",
    "tags",
]
