"""Patterns of policies: ``*`` and ``?``, ARNs segment by segment, and policy variables.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_DEFAULT = re.compile(r"\s*([^,\s]+)\s*(?:,\s*'([^']*)'\s*)?\Z")
#: ``${*}`` is a star that is meant literally.
_LITERAL_NAMES = frozenset({"*", "?", "$"})
_ARN_SEGMENTS = 6


class ConditionKeys(Protocol):
    """What is known of a request, by condition key in lower case. A dict is one."""

    def get(self, key: str, /) -> tuple[str, ...] | None:
        """The key's values; None where the request has no such key."""


@dataclass(frozen=True)
class _Variable:
    key: str
    default: str | None


@dataclass(frozen=True)
class _Literal:
    text: str


_Piece = str | _Variable | _Literal


@dataclass(frozen=True)
class Pattern:
    """A text with wildcards and variables, ready to be matched. Made by the functions below."""

    text: str
    is_arn: bool = False
    ignores_case: bool = False
    has_wildcards: bool = True
    pieces: tuple[_Piece, ...] = ()
    matches_all: bool = False
    regex: re.Pattern[str] | None = field(default=None, compare=False)

    @property
    def variables(self) -> frozenset[str]:
        """The condition keys that the pattern needs, in lower case."""
        return frozenset(piece.key for piece in self.pieces if isinstance(piece, _Variable))

    def matches(self, value: str, keys: ConditionKeys) -> bool:
        """Whether the value fits. A variable that the request has no value for fits nothing."""
        if self.matches_all:
            return True
        if self.regex is not None:
            return self.regex.match(value) is not None
        if not self.pieces:
            return value.lower() == self.text if self.ignores_case else value == self.text
        resolved = _resolve(self.pieces, keys)
        if resolved is None:
            return False
        return _regex(resolved, self.is_arn, self.ignores_case).match(value) is not None


def glob(text: str, *, ignores_case: bool = False, variables: bool = False) -> Pattern:
    """``*`` stands for any characters, ``?`` for one."""
    return _pattern(text, is_arn=False, ignores_case=ignores_case, variables=variables, wildcards=True)


def literal(text: str, *, ignores_case: bool = False, variables: bool = False) -> Pattern:
    """The text itself, with variables put in."""
    return _pattern(text, is_arn=False, ignores_case=ignores_case, variables=variables, wildcards=False)


def arn(text: str, *, variables: bool = False) -> Pattern:
    """An ARN whose wildcards stay within their segment; what is missing at its end may be anything."""
    if text.startswith("arn:"):
        # A colon may stand in a variable (``${aws:username}``); no segment ends there.
        segments = _VARIABLE.sub(lambda match: match[0].replace(":", "\0"), text).split(":", _ARN_SEGMENTS - 1)
        segments += ["*"] * (_ARN_SEGMENTS - len(segments))
        return _pattern(
            ":".join(segments).replace("\0", ":"), is_arn=True, ignores_case=False, variables=variables, wildcards=True
        )
    return glob(text, variables=variables)


def _pattern(text: str, *, is_arn: bool, ignores_case: bool, variables: bool, wildcards: bool) -> Pattern:
    if wildcards and text and not text.strip("*"):
        return Pattern(text, matches_all=True)
    if ignores_case:
        text = text.lower() if not variables else text
    pieces = _pieces(text) if variables else ()
    if any(not isinstance(piece, str) for piece in pieces):
        if not wildcards:
            pieces = tuple(_Literal(piece) if isinstance(piece, str) else piece for piece in pieces)
        return Pattern(text, is_arn=is_arn, ignores_case=ignores_case, pieces=pieces)
    if wildcards and ("*" in text or "?" in text):
        return Pattern(
            text, is_arn=is_arn, ignores_case=ignores_case, regex=_regex(((text, True),), is_arn, ignores_case)
        )
    return Pattern(text.lower() if ignores_case else text, is_arn=is_arn, ignores_case=ignores_case)


def _pieces(text: str) -> tuple[_Piece, ...]:
    pieces: list[_Piece] = []
    position = 0
    for match in _VARIABLE.finditer(text):
        pieces.append(text[position : match.start()])
        position = match.end()
        if match[1] in _LITERAL_NAMES:
            pieces.append(_Literal(match[1]))
        elif named := _DEFAULT.match(match[1]):
            pieces.append(_Variable(named[1].lower(), named[2]))
        else:
            pieces.append(_Literal(match[0]))
    pieces.append(text[position:])
    return tuple(piece for piece in pieces if piece != "")


def _resolve(pieces: tuple[_Piece, ...], keys: ConditionKeys) -> tuple[tuple[str, bool], ...] | None:
    """(text, whether its wildcards count) pairs; None where a variable has no value, or more than one."""
    resolved: list[tuple[str, bool]] = []
    for piece in pieces:
        if isinstance(piece, str):
            resolved.append((piece, True))
        elif isinstance(piece, _Literal):
            resolved.append((piece.text, False))
        else:
            values = keys.get(piece.key)
            if values is not None and len(values) == 1:
                resolved.append((values[0], False))
            elif values is None and piece.default is not None:
                resolved.append((piece.default, False))
            else:
                return None
    return tuple(resolved)


@lru_cache(maxsize=4096)
def _regex(parts: tuple[tuple[str, bool], ...], is_arn: bool, ignores_case: bool) -> re.Pattern[str]:
    """One regular expression for the parts. Stars are matched without backtracking into each other."""
    flags = re.DOTALL | (re.IGNORECASE if ignores_case else 0)
    # Wildcards become private characters, so that splitting at colons and stars sees the real ones alone.
    marked = "".join(text.replace("*", "\ue000").replace("?", "\ue001") if counts else text for text, counts in parts)
    if not is_arn:
        return re.compile(_translate(marked, "."), flags) if marked else re.compile(r"\Z")
    *segments, resource = marked.split(":", _ARN_SEGMENTS - 1)
    translated = [_translate(segment, "[^:]", last=False) for segment in segments] + [_translate(resource, ".")]
    return re.compile(":".join(translated), flags)


def _translate(marked: str, any_character: str, *, last: bool = True) -> str:
    first, *others = [re.escape(run).replace("\ue001", any_character) for run in marked.split("\ue000")]
    end = r"\Z" if last else "(?=:)"
    if not others:
        return first + (end if last else "")
    # Each middle part is found at its first occurrence and never moved: what follows a star may begin anywhere.
    *middle, tail = others
    found = "".join(f"(?>{any_character}*?{part})" for part in middle if part)
    return f"{first}{found}{any_character}*{tail}{end}"
