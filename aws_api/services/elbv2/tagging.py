"""Tags: what they may be, and whose they are."""

from aws_api.services.elbv2.errors import ValidationError
from aws_api.services.elbv2.limits import TAGS
from aws_api.services.elbv2.shapes import TooManyTagsException


def checked_tags(tags: dict[str, str]) -> dict[str, str]:
    """Tags that a resource may have. Raises TooManyTags, ValidationError."""
    if len(tags) > TAGS:
        raise TooManyTagsException(f"The maximum number of tags '{TAGS}' has been reached")
    if any(key.lower().startswith("aws:") for key in tags):
        raise ValidationError("Tag keys beginning with 'aws:' are reserved for system use")
    return tags
