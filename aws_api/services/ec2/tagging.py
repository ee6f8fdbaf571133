"""EC2's tags: what may be a tag, and TagSpecifications.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions
"""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.services.ec2.errors import InvalidParameterValue, TagLimitExceeded
from aws_api.services.ec2.kinds import Kind

MAX_TAGS = 50
MAX_KEY_LENGTH = 127
MAX_VALUE_LENGTH = 255


def tags_for(kind: Kind, request: Mapping[str, Any]) -> dict[str, str]:
    """The tags that a create call's TagSpecifications give to what it makes."""
    tags: dict[str, str] = {}
    for specification in request.get("TagSpecifications") or ():
        resource_type = specification.get("ResourceType", "")
        if resource_type != kind.name:
            raise InvalidParameterValue(f"'{resource_type}' is not a valid taggable resource type for this operation.")
        tags |= checked_tags(specification.get("Tags") or ())
    return tags


def checked_tags(pairs: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Pairs of Key and Value as a mapping. Raises InvalidParameterValue where one may not be a tag."""
    tags: dict[str, str] = {}
    for pair in pairs:
        key, value = pair.get("Key") or "", pair.get("Value") or ""
        if not key:
            raise InvalidParameterValue("Tag key cannot be empty.")
        if key.lower().startswith("aws:"):
            raise InvalidParameterValue("Tag keys starting with 'aws:' are reserved for internal use")
        if len(key) > MAX_KEY_LENGTH:
            raise InvalidParameterValue(f"Tag key exceeds the maximum length of {MAX_KEY_LENGTH} characters")
        if len(value) > MAX_VALUE_LENGTH:
            raise InvalidParameterValue(f"Tag value exceeds the maximum length of {MAX_VALUE_LENGTH} characters")
        if key in tags:
            raise InvalidParameterValue(f"Duplicate tag key '{key}' specified.")
        tags[key] = value
    check_count(tags)
    return tags


def check_count(tags: Mapping[str, str]) -> None:
    """Raise TagLimitExceeded where a resource would have too many."""
    if len(tags) > MAX_TAGS:
        raise TagLimitExceeded("The maximum number of Tags for a resource has been reached.")
