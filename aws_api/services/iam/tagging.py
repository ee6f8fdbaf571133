"""Tags on whatever IAM lets be tagged. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html"""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.models import AwsResource
from aws_api.core.tags import tags_from_list
from aws_api.services.iam.shapes import InvalidInputException, LimitExceededException

MAX_TAGS = 50


def new_tags(pairs: Iterable[Mapping[str, Any]] | None) -> dict[str, str]:
    """The tags of something that is being created, checked."""
    pairs = list(pairs or ())
    if len({pair["Key"].lower() for pair in pairs}) != len(pairs):
        raise InvalidInputException("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if len(pairs) > MAX_TAGS:
        raise LimitExceededException("The number of tags has reached the maximum limit.")
    return tags_from_list(pairs)


def add_tags(resource: AwsResource, pairs: Iterable[Mapping[str, Any]]) -> None:
    """Add or overwrite tags; a key replaces one that differs in case alone."""
    added = new_tags(pairs)
    lowered = {key.lower() for key in added}
    tags = {key: value for key, value in resource.tags.items() if key.lower() not in lowered} | added
    if len(tags) > MAX_TAGS:
        raise LimitExceededException("The number of tags has reached the maximum limit.")
    resource.tags = tags
    resource.save(update_fields=["tags"])


def remove_tags(resource: AwsResource, keys: Iterable[str]) -> None:
    """Remove tags; keys that are not there are passed over."""
    lowered = {key.lower() for key in keys}
    resource.tags = {key: value for key, value in resource.tags.items() if key.lower() not in lowered}
    resource.save(update_fields=["tags"])
