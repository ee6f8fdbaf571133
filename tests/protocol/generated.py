"""Values that a shape allows, drawn from a seed: what a client may send and a service may answer."""

import re
import string
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.utils import is_json_value_header

from aws_api.protocol.patterns import python_pattern

# What must survive escaping in every format.
BODY_TEXT = string.ascii_letters + string.digits + " &<>\"'%+=;,/\\\r\n\t~éß€漢😀"
HEADER_TEXT = string.ascii_letters + string.digits + "-_.=/"
HOST_TEXT = string.ascii_lowercase + string.digits

_MAX_DEPTH = 5
_ATTEMPTS = 60


class CannotGenerateError(Exception):
    """No value of the shape was found."""


class Values:
    """A source of values. ``fullness`` is the share of optional members given.

    ``can_be_empty`` where the format can say an empty list or structure: form fields cannot. ``text`` is what
    free text in bodies is made of.
    """

    def __init__(self, seed: str, fullness: float, *, can_be_empty: bool, text: str = BODY_TEXT) -> None:
        self.random = Random(seed)
        self.fullness = fullness
        self.can_be_empty = can_be_empty
        self.body_text = text

    def structure(self, shape: StructureShape, depth: int = 0) -> dict[str, Any]:
        if shape.is_document_type:
            return {"any": ["document", 1, {"nested": True}]}
        if shape.is_tagged_union:
            return self._union(shape, depth)
        payload = shape.serialization.get("payload")
        result: dict[str, Any] = {}
        for key, member in shape.members.items():
            is_wanted = key in shape.required_members or bool(member.metadata.get("idempotencyToken"))
            if not is_wanted and (depth >= _MAX_DEPTH or self.random.random() >= self.fullness):
                continue
            try:
                result[key] = self.value(member, depth + 1, is_payload=key == payload)
            except CannotGenerateError:
                if is_wanted:
                    raise
        if not result and depth and shape.members and not self.can_be_empty:
            key, member = next(iter(shape.members.items()))
            result[key] = self.value(member, depth + 1)
        return result

    def _union(self, shape: StructureShape, depth: int) -> dict[str, Any]:
        members = list(shape.members.items())
        if depth >= _MAX_DEPTH:
            members = [
                pair for pair in members if not isinstance(pair[1], StructureShape | ListShape | MapShape)
            ] or members
        if depth > 4 * _MAX_DEPTH:
            raise CannotGenerateError(shape.name)
        key, member = self.random.choice(members)
        return {key: self.value(member, depth + 1)}

    def value(self, shape: Shape, depth: int = 0, *, is_payload: bool = False) -> Any:
        if depth > 8 * _MAX_DEPTH:
            raise CannotGenerateError(shape.name)
        if isinstance(shape, StructureShape):
            return self.structure(shape, depth)
        if isinstance(shape, ListShape):
            return self._list(shape, depth)
        if isinstance(shape, MapShape):
            return self._map(shape, depth)
        if is_json_value_header(shape):
            return {"json": "value"}
        kind = shape.type_name
        if kind == "boolean":
            return self.random.random() < 0.5
        if kind in {"integer", "long"}:
            return self._integer(shape)
        if kind in {"float", "double"}:
            low = float(shape.metadata.get("min", -1000))
            return min(low + self.random.randrange(64) / 8, float(shape.metadata.get("max", 1e9)))
        if kind == "timestamp":
            return self._timestamp(shape)
        if kind == "blob":
            return self._blob(shape, is_payload=is_payload)
        return self._string(shape)

    def _size(self, shape: Shape, depth: int) -> int:
        low = int(shape.metadata.get("min", 0))
        high = int(shape.metadata.get("max", low + 2))
        wanted = (
            0
            if self.can_be_empty and self.random.random() < 0.2
            else 1
            if depth >= _MAX_DEPTH
            else self.random.randint(1, 3)
        )
        return max(low, min(wanted, high))

    def _list(self, shape: ListShape, depth: int) -> list[Any]:
        return [self.value(shape.member, depth + 1) for _ in range(self._size(shape, depth))]

    def _map(self, shape: MapShape, depth: int) -> dict[str, Any]:
        wanted = self._size(shape, depth)
        result: dict[str, Any] = {}
        if shape.serialization.get("location") == "headers":
            return {self._text(HOST_TEXT, 1, 9): self._text(HEADER_TEXT, 1, 9) for _ in range(wanted)}
        for _ in range(wanted * 10):
            if len(result) == wanted:
                return result
            key = self._string(shape.key)
            result[key] = self.value(shape.value, depth + 1)
        return result

    def _integer(self, shape: Shape) -> int:
        if shape.serialization.get("location") == "statusCode":
            return 202
        bits = 31 if shape.type_name == "integer" else 63
        low = max(int(shape.metadata.get("min", -(2**bits))), -(2**bits))
        high = min(int(shape.metadata.get("max", 2**bits - 1)), 2**bits - 1)
        return int(self.random.choice([low, high, self.random.randint(low, high)]))

    def _timestamp(self, shape: Shape) -> datetime:
        moment = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC) + timedelta(seconds=self.random.randrange(2**30))
        serialization = shape.serialization
        is_whole = (
            serialization.get("location") in {"header", "querystring", "uri"}
            or serialization.get("timestampFormat") == "rfc822"
            or self.random.random() < 0.5
        )
        return moment if is_whole else moment + timedelta(milliseconds=self.random.randrange(1000))

    def _blob(self, shape: Shape, *, is_payload: bool) -> bytes:
        low = int(shape.metadata.get("min", 0))
        high = int(shape.metadata.get("max", low + 20))
        length = self.random.randint(min(max(low, 1), high), min(high, low + 20))
        alphabet = string.ascii_letters.encode() if is_payload else bytes(range(256))
        return bytes(self.random.choices(alphabet, k=length))

    def _string(self, shape: Shape) -> str:
        if shape.metadata.get("enum"):
            return str(self.random.choice(shape.metadata["enum"]))
        location = shape.serialization.get("location")
        low = int(shape.metadata.get("min", 0))
        high = int(shape.metadata.get("max", max(low, 20)))
        java = shape.metadata.get("pattern")
        pattern = python_pattern(java) if java else None
        if pattern is not None:
            return self._matching(pattern, low, int(shape.metadata.get("max", 10_000)), is_plain=location is not None)
        alphabet = (
            HOST_TEXT if shape.serialization.get("hostLabel") else self.body_text if location is None else HEADER_TEXT
        )
        return self._text(alphabet, min(max(low, 1), high), min(high, max(low, 1) + 12))

    def _text(self, alphabet: str, low: int, high: int) -> str:
        return "".join(self.random.choices(alphabet, k=self.random.randint(low, high)))

    def _matching(self, pattern: re.Pattern[str], low: int, high: int, *, is_plain: bool) -> str:
        sampler = PatternSampler(self.random)
        for attempt in range(_ATTEMPTS):
            text = sampler.sample(pattern, stretch=attempt % 4 * max(low, 1))
            if is_plain and (not text.isascii() or not text.isprintable() or text != text.strip() or not text):
                continue
            if low <= len(text) <= high and pattern.fullmatch(text):
                return text
        raise CannotGenerateError(pattern.pattern)


class PatternSampler:
    """Draws texts that a regular expression matches; look-arounds are left to the caller's check."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def sample(self, pattern: re.Pattern[str], stretch: int) -> str:
        parsed = re._parser.parse(pattern.pattern, pattern.flags)  # type: ignore[attr-defined]
        self._groups: dict[int, str] = {}
        return self._sequence(parsed, stretch)

    def _sequence(self, parsed: Any, stretch: int) -> str:
        return "".join(self._piece(str(kind), argument, stretch) for kind, argument in parsed)

    def _piece(self, kind: str, argument: Any, stretch: int) -> str:
        random = self.random
        match kind:
            case "LITERAL":
                return chr(argument)
            case "NOT_LITERAL":
                return random.choice([c for c in string.ascii_letters if c != chr(argument)])
            case "ANY":
                return random.choice(string.ascii_letters + string.digits)
            case "IN":
                return self._member(argument)
            case "BRANCH":
                return self._sequence(random.choice(argument[1]), stretch)
            case "SUBPATTERN":
                text = self._sequence(argument[3], stretch)
                self._groups[argument[0]] = text
                return text
            case "GROUPREF":
                return self._groups.get(argument, "")
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                low, high, inner = argument
                count = random.randint(low, min(int(high), low + max(stretch, 2)))
                return "".join(self._sequence(inner, stretch if len(inner) == 1 else 0) for _ in range(count))
            case "ATOMIC_GROUP":
                return self._sequence(argument, stretch)
            case _:
                return ""

    def _member(self, items: Any) -> str:
        if str(items[0][0]) == "NEGATE":
            allowed = [c for c in string.ascii_letters + string.digits if not any(_holds(i, c) for i in items[1:])]
            return self.random.choice(allowed or ["-"])
        kind, argument = self.random.choice(items)
        match str(kind):
            case "LITERAL":
                return chr(argument)
            case "RANGE":
                # A long range is mostly surrogates and ideographs; its start is as good.
                return chr(self.random.randint(argument[0], min(argument[1], argument[0] + 90)))
            case _:
                return self.random.choice(_CATEGORIES[str(argument)])


_CATEGORIES = {
    "CATEGORY_WORD": string.ascii_letters + string.digits + "_",
    "CATEGORY_NOT_WORD": "-.:/",
    "CATEGORY_DIGIT": string.digits,
    "CATEGORY_NOT_DIGIT": string.ascii_letters,
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_SPACE": string.ascii_letters,
}


def _holds(item: Any, character: str) -> bool:
    kind, argument = item
    match str(kind):
        case "LITERAL":
            return ord(character) == int(argument)
        case "RANGE":
            return bool(argument[0] <= ord(character) <= argument[1])
        case _:
            return character in _CATEGORIES[str(argument)]
