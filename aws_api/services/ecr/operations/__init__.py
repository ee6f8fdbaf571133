"""The operations of ECR, one module per family.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Operations.html
"""

from aws_api.services.ecr.operations import authorization, images, layers, policies, repositories, settings, tags

__all__ = ["authorization", "images", "layers", "policies", "repositories", "settings", "tags"]
