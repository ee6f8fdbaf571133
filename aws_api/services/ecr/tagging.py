"""Tags as ECR takes them. https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-using-tags.html"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.tags import tags_from_list
from aws_api.services.ecr.shapes import InvalidTagParameterException, TooManyTagsException

MAX_TAGS = 50
_TEXT = re.compile(r"[\w .:/=+@-]*\Z")


def with_tags(tags: Mapping[str, str], pairs: Iterable[Mapping[str, Any]] | None) -> dict[str, str]:
    """Tags with others added or overwritten. Raises InvalidTagParameterException, TooManyTagsException."""
    added = tags_from_list(pairs)
    for key, value in added.items():
        if not 0 < len(key) <= 128 or len(value) > 256 or not _TEXT.match(key) or not _TEXT.match(value):
            raise InvalidTagParameterException(
                "An invalid parameter has been specified. Tag keys can have a maximum character length of 128 "
                "characters, and tag values can have a maximum length of 256 characters."
            )
    together = {**tags, **added}
    if len(together) > MAX_TAGS:
        raise TooManyTagsException(f"A repository can have at most {MAX_TAGS} tags")
    return together
