"""Texts of users in HAProxy's configuration: quoted so that they are never more than texts."""

import re

#: What means something within double quotes.
_SPECIAL = {"\\": "\\\\", '"': '\\"', "$": "\\$", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quoted(text: str) -> str:
    """A word of the configuration that is this text. No NUL: no configuration can hold it."""
    assert "\0" not in text
    return '"' + "".join(_SPECIAL.get(character, character) for character in text) + '"'


def literal(text: str) -> str:
    """A text inside a format: what would stand for a value stands for itself."""
    return text.replace("%", "%%")


def wildcard_regex(pattern: str, *, any_text: str = ".") -> str:
    """ELB's wildcards as a regular expression: ``*`` is any number of characters, ``?`` is one."""
    translated = {"*": f"{any_text}*", "?": any_text}
    return "".join(translated.get(character) or re.escape(character) for character in pattern)
