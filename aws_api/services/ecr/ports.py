"""ECR's part in running containers: the engine loads images of this registry straight from its blobs."""

from aws_api.core.images import register_image_mirror, register_image_source
from aws_api.services.ecr.archive import EcrImages
from aws_api.services.ecr.mirror import PublicImages

register_image_source(EcrImages())
register_image_mirror(PublicImages())
