"""Tags of secrets."""

from collections.abc import Mapping

from aws_api.services.secretsmanager.shapes import InvalidParameterException, InvalidRequestException

MAX_TAGS = 50


def check_tags(existing: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """The tags of a secret after some were added."""
    if any(key.lower().startswith("aws:") for key in added):
        raise InvalidParameterException("Tag keys that begin with aws: are reserved.")
    tags = {**existing, **added}
    if len(tags) > MAX_TAGS:
        raise InvalidRequestException(f"A secret can have a maximum of {MAX_TAGS} tags.")
    return tags
