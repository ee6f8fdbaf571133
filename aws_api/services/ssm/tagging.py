"""Tags of parameters."""

from collections.abc import Mapping

from aws_api.core.errors import ValidationException
from aws_api.services.ssm.shapes import TooManyTagsError

MAX_TAGS = 50


def check_tags(existing: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """The tags of a parameter after some were added."""
    if any(key.lower().startswith("aws:") for key in added):
        raise ValidationException("Tag keys must not begin with aws:")
    tags = {**existing, **added}
    if len(tags) > MAX_TAGS:
        raise TooManyTagsError(f"A resource can have a maximum of {MAX_TAGS} tags.")
    return tags
