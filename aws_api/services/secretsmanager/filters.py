"""Filters of ListSecrets and BatchGetSecretValue. Values are beginnings; one that begins with ! must not match.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_search-secret.html
"""

import re
from collections.abc import Iterable, Sequence

from aws_api.services.secretsmanager.models import Secret
from aws_api.services.secretsmanager.shapes import Filter, InvalidParameterException

_WORDS = re.compile(r"[^A-Za-z0-9]+")


def matches(secret: Secret, filters: Sequence[Filter]) -> bool:
    """Whether a secret passes all filters; of a filter's values one is enough."""
    return all(_passes(secret, given) for given in filters)


def check_filters(filters: Iterable[Filter]) -> None:
    """Raise InvalidParameterException for a filter that says nothing."""
    for given in filters:
        if "Key" not in given or not given.get("Values"):
            raise InvalidParameterException("Invalid filter: it needs a key and at least one value.")


def _passes(secret: Secret, given: Filter) -> bool:
    values = given["Values"]
    unwanted = [value[1:] for value in values if value.startswith("!")]
    wanted = [value for value in values if not value.startswith("!")]
    key = given["Key"]
    if any(_matches(secret, key, value) for value in unwanted):
        return False
    return not wanted or any(_matches(secret, key, value) for value in wanted)


def _matches(secret: Secret, key: str, value: str) -> bool:
    if key == "name":
        return secret.name.startswith(value)
    if key == "description":
        return any(word.startswith(value.lower()) for word in _starts(secret.description))
    if key == "tag-key":
        return any(tag.startswith(value) for tag in secret.tags)
    if key == "tag-value":
        return any(tag.startswith(value) for tag in secret.tags.values())
    if key == "primary-region":
        return bool(secret.document.get("ReplicationStatus")) and secret.region.startswith(value)
    if key == "owning-service":
        return False  # no service keeps secrets of its own here
    assert key == "all", key
    texts = (secret.name, secret.description, *secret.tags, *secret.tags.values())
    words = {word for text in texts for word in _starts(text)}
    return all(any(word.startswith(part) for word in words) for part in _WORDS.split(value.lower()) if part)


def _starts(text: str) -> list[str]:
    """Where a search may begin in a text: at its start and at each of its words, whatever the case."""
    lowered = text.lower()
    return [lowered, *(word for word in _WORDS.split(lowered) if word)]
