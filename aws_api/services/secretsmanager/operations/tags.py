"""TagResource, UntagResource."""

from aws_api.core.context import Context
from aws_api.core.tags import tags_from_list
from aws_api.services.secretsmanager.secrets import find_secret
from aws_api.services.secretsmanager.service import secretsmanager
from aws_api.services.secretsmanager.shapes import TagResourceRequest, UntagResourceRequest
from aws_api.services.secretsmanager.tagging import check_tags


@secretsmanager.operation
def tag_resource(context: Context, request: TagResourceRequest) -> None:
    """Add tags to a secret, or replace their values."""
    secret = find_secret(context, request["SecretId"], lock=True)
    secret.tags = check_tags(secret.tags, tags_from_list(request["Tags"]))
    secret.save(update_fields=["tags"])


@secretsmanager.operation
def untag_resource(context: Context, request: UntagResourceRequest) -> None:
    """Remove tags from a secret; those that it has not are passed over."""
    secret = find_secret(context, request["SecretId"], lock=True)
    secret.tags = {key: value for key, value in secret.tags.items() if key not in request["TagKeys"]}
    secret.save(update_fields=["tags"])
