"""Tags of keys. https://docs.aws.amazon.com/kms/latest/developerguide/tagging-keys.html"""

from collections.abc import Iterable, Mapping

from aws_api.services.kms.shapes import LimitExceededException, Tag, TagException

MAX_TAGS = 50


def check_tags(existing: Mapping[str, str], added: Iterable[Tag]) -> dict[str, str]:
    """The tags of a key after some were added. Raises TagException and LimitExceededException."""
    tags = dict(existing)
    new = [(tag["TagKey"], tag["TagValue"]) for tag in added]
    if len({key for key, _ in new}) != len(new):
        raise TagException("Duplicate tag keys")
    for key, value in new:
        if key.lower().startswith("aws:"):
            raise TagException("Tags beginning with aws: are reserved")
        tags[key] = value
    if len(tags) > MAX_TAGS:
        raise LimitExceededException("Too many tags")
    return tags
