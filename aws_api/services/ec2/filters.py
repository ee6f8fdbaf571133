"""The filters of every Describe operation: which shapes a caller wants to see. Pure.

A filter's values are alternatives, several filters must all hold. ``*`` stands for any characters, ``?`` for one, a
backslash takes either literally. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_api.services.ec2.errors import FilterLimitExceeded, InvalidParameterValue

MAX_FILTERS = 50
MAX_VALUES = 200

Predicate = Callable[[Mapping[str, Any]], bool]
#: The two spellings of a shape's tags.
_TAG_MEMBERS = ("Tags", "TagSet")


@dataclass(frozen=True)
class FilterTable:
    """The filters of one resource: a name, and the members to walk to its values (``Attachments.VpcId``)."""

    paths: Mapping[str, str]

    def predicate(self, filters: Sequence[Mapping[str, Any]] | None) -> Predicate:
        """What says whether a shape passes all filters. Raises InvalidParameterValue for one that is not known."""
        if len(filters or ()) > MAX_FILTERS:
            raise FilterLimitExceeded(f"The maximum number of filters is {MAX_FILTERS}.")
        tests = [self._test(each) for each in filters or ()]
        return lambda shape: all(test(shape) for test in tests)

    def _test(self, filter_: Mapping[str, Any]) -> Predicate:
        name, values = filter_.get("Name") or "", filter_.get("Values") or []
        if len(values) > MAX_VALUES:
            raise FilterLimitExceeded(f"The maximum number of filter values specified on a single call is {MAX_VALUES}")
        matches = _matcher(values)
        if name.startswith("tag:"):
            key = name.removeprefix("tag:")
            return lambda shape: any(matches(tag["Value"]) for tag in _tags(shape) if tag["Key"] == key)
        if name in ("tag-key", "tag-value"):
            member = "Key" if name == "tag-key" else "Value"
            return lambda shape: any(matches(tag[member]) for tag in _tags(shape))
        path = self.paths.get(name)
        if path is None:
            raise InvalidParameterValue(f"The filter '{name}' is invalid")
        members = path.split(".")
        return lambda shape: any(matches(_text(value)) for value in _walk(shape, members))


def _tags(shape: Mapping[str, Any]) -> Iterator[Mapping[str, str]]:
    for member in _TAG_MEMBERS:
        yield from shape.get(member, ())


def _walk(value: Any, members: Sequence[str]) -> Iterator[Any]:
    """The values at the end of a path; every element of the lists on the way."""
    if isinstance(value, list):
        for element in value:
            yield from _walk(element, members)
    elif not members:
        yield value
    elif isinstance(value, Mapping) and value.get(members[0]) is not None:
        yield from _walk(value[members[0]], members[1:])


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _matcher(values: Iterable[str]) -> Callable[[str], bool]:
    plain = {value for value in values if not re.search(r"[*?\\]", value)}
    patterns = [_pattern(value) for value in values if value not in plain]
    return lambda text: text in plain or any(pattern.fullmatch(text) for pattern in patterns)


def _pattern(value: str) -> re.Pattern[str]:
    pieces = re.findall(r"\\.|.", value, flags=re.DOTALL)
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(piece) or re.escape(piece[-1]) for piece in pieces), flags=re.DOTALL)
