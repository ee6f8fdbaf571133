"""ECR's part in running containers: the engine loads images of this registry straight from its blobs."""

from aws_api.core.images import register_image_source
from aws_api.services.ecr.archive import EcrImages

register_image_source(EcrImages())
