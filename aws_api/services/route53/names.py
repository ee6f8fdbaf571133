"""Domain names as Route 53 writes them: lower case, a dot at the end, unusual characters as octal escapes. Pure."""

import re

from aws_api.services.route53.shapes import InvalidDomainName

_ESCAPE = re.compile(r"\\([0-7]{3})")
_PLAIN = re.compile(r"[a-z0-9_-]")
MAX_NAME, MAX_LABEL = 255, 63


def canonical(name: str) -> str:
    """``Web.Example.com`` and ``web.example.com.`` are ``web.example.com.``; a star is ``\\052``."""
    lowered = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), name.strip()).lower()
    labels = [label for label in lowered.rstrip(".").split(".") if lowered.rstrip(".")]
    return "".join(f"{_escaped(label)}." for label in labels) or "."


def checked(name: str) -> str:
    """The canonical name. Raises InvalidDomainName where it can be none."""
    found = canonical(name)
    labels = found.rstrip(".").split(".")
    if found == "." or not all(labels) or len(found) > MAX_NAME:
        raise InvalidDomainName(f"The domain name, {name}, is not a valid domain name.")
    if any(len(label) > MAX_LABEL for label in labels):
        raise InvalidDomainName("DomainLabelTooLong (Domain label is too long) encountered with '" + name + "'")
    return found


def sort_name(name: str) -> str:
    """The labels of a canonical name from the last to the first: ``com.example.web``."""
    return ".".join(reversed(name.rstrip(".").split(".")))


def is_within(name: str, zone: str) -> bool:
    """Whether a canonical name is a zone's own or below it."""
    return name == zone or name.endswith(f".{zone}")


def plain(name: str) -> str:
    """A canonical name as the resolver has it: no dot at the end, the star as a star."""
    return name.rstrip(".").replace("\\052", "*")


def _escaped(label: str) -> str:
    if label == "*":
        return "\\052"
    return "".join(
        character if _PLAIN.fullmatch(character) else "".join(f"\\{byte:03o}" for byte in character.encode())
        for character in label
    )
