"""A request's parameters as people may read them: what AWS's model calls sensitive is masked, long ones are left out.

Beside those, members that are named like secrets are masked.
"""

import base64
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

import orjson
from botocore.model import ListShape, MapShape, Shape, StructureShape

from aws_api.protocol.models import operation_model

MASK = "********"
#: Requests whose body is longer have their parameters left out.
MAX_BODY_BYTES = 4096

_SECRET_MEMBER = re.compile(r"(?i)password|privatekey|secretstring|secretbinary|secretaccesskey|plaintext")

Mask = Callable[[Any], Any]


def told_parameters(service: str, operation: str, parameters: Mapping[str, Any] | None, size_bytes: int) -> Any:
    """The parameters as JSON, or None where there are none, or too long ones."""
    if parameters is None or size_bytes > MAX_BODY_BYTES:
        return None
    mask = _mask_of(service, operation)
    try:
        return orjson.Fragment(orjson.dumps(parameters if mask is None else mask(parameters), default=_plain))
    except orjson.JSONEncodeError:
        return None  # A number of more than 64 bits, half a character: not worth the record.


@cache
def _mask_of(service: str, operation: str) -> Mask | None:
    shape = operation_model(service, operation).input_shape
    return None if shape is None else _Masks().of(shape)


class _Masks:
    """Masks of one operation's shapes; None for what has nothing to hide. Structures may contain themselves."""

    def __init__(self) -> None:
        self._members: dict[str, Mask | None] = {}

    def of(self, shape: Shape) -> Mask | None:
        if shape.metadata.get("sensitive"):
            return _masked
        if not self._hides(shape, set()):
            return None
        if isinstance(shape, StructureShape):
            return self._structure(shape)
        inner = self.of(shape.member if isinstance(shape, ListShape) else shape.value)
        if inner is None:
            return None
        if isinstance(shape, ListShape):
            return lambda values: [inner(value) for value in values]
        return lambda values: {key: inner(value) for key, value in values.items()}

    def _structure(self, shape: StructureShape) -> Mask:
        def mask(value: Mapping[str, Any]) -> dict[str, Any]:
            return {
                name: MASK if _SECRET_MEMBER.search(name) else self._member(shape, name, member)
                for name, member in value.items()
            }

        return mask

    def _member(self, shape: StructureShape, name: str, value: Any) -> Any:
        key = f"{shape.name}.{name}"
        if key not in self._members:
            member = shape.members.get(name)
            self._members[key] = self.of(member) if member is not None else None
        mask = self._members[key]
        return value if mask is None or value is None else mask(value)

    def _hides(self, shape: Shape, seen: set[str]) -> bool:
        """Whether anything that is reachable from a shape may have to be masked."""
        if shape.metadata.get("sensitive"):
            return True
        if isinstance(shape, ListShape):
            return self._hides(shape.member, seen)
        if isinstance(shape, MapShape):
            return self._hides(shape.value, seen)
        if not isinstance(shape, StructureShape) or shape.name in seen:
            return False
        seen.add(shape.name)
        if any(map(_SECRET_MEMBER.search, shape.members)):
            return True
        return any(self._hides(member, seen) for member in shape.members.values())


def _masked(_value: Any) -> str:
    return MASK


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.isoformat()
    return None  # A stream, which has been read.
