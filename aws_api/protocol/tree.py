"""Readers and writers of bodies that decode to lists and dicts: JSON and CBOR.

Each shape is compiled to a closure once. A reader checks types and gives AWS's member names; a writer leaves out
what is None or unknown. A writer of None means that the encoder takes the value as it is.
"""

import base64
import binascii
import math
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from aws_api.core.errors import SerializationException
from aws_api.core.kept import KeptStructure
from aws_api.protocol.failures import Mismatch
from aws_api.protocol.structures import CompiledStructures
from aws_api.protocol.timestamps import read_timestamp, writer_for

Reader = Callable[[Any], Any]
Writer = Callable[[Any], Any]

JAVA_NAMES = {
    "string": "String",
    "character": "Character",
    "integer": "Integer",
    "long": "Long",
    "float": "Float",
    "double": "Double",
    "boolean": "Boolean",
    "blob": "ByteBuffer",
    "timestamp": "Timestamp",
}

INTEGER_BITS = {"integer": 31, "long": 63}
_SPECIAL_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class TreeReaderCompiler:
    """Compiles the readers of one service's shapes; ``blobs_are_bytes`` for CBOR, base64 text for JSON."""

    def __init__(self, mismatch: Mismatch, *, blobs_are_bytes: bool) -> None:
        self._mismatch = mismatch
        self._blobs_are_bytes = blobs_are_bytes
        self._structures = CompiledStructures[Reader]()

    def compile(self, shape: Shape) -> Reader:
        """The reader of a shape."""
        if isinstance(shape, StructureShape):
            return _document if shape.is_document_type else self._structures.get(shape, self.members)
        if isinstance(shape, ListShape):
            return self._list(shape)
        if isinstance(shape, MapShape):
            return self._map(shape)
        return self._scalar(shape)

    def members(self, shape: StructureShape, names: Iterable[str] | None = None) -> Reader:
        """The reader of a structure, or of those of its members that travel in the body."""
        members = {
            shape.members[key].serialization.get("name", key): (key, self.compile(shape.members[key]))
            for key in (shape.members if names is None else names)
        }
        lookup = members.get
        mismatch = self._mismatch

        def read(value: Any) -> Any:
            if type(value) is not dict:
                raise mismatch(value, "Structure")
            result = {}
            for key, item in value.items():
                if item is not None:
                    member = lookup(key)
                    if member is not None:
                        result[member[0]] = member[1](item)
            return result

        return read

    def _list(self, shape: ListShape) -> Reader:
        read_item = self.compile(shape.member)
        mismatch = self._mismatch

        def read(value: Any) -> Any:
            if type(value) is not list:
                raise mismatch(value, "List")
            return [read_item(item) for item in value]

        return read

    def _map(self, shape: MapShape) -> Reader:
        read_item = self.compile(shape.value)
        mismatch = self._mismatch

        def read(value: Any) -> Any:
            if type(value) is not dict:
                raise mismatch(value, "Map")
            return {key: read_item(item) for key, item in value.items()}

        def read_checking_keys(value: Any) -> Any:
            result = read(value)
            for key in result:
                if type(key) is not str:
                    raise mismatch(key, "String")
            return result

        # JSON has no keys but strings.
        return read_checking_keys if self._blobs_are_bytes else read

    def _scalar(self, shape: Shape) -> Reader:
        kind = shape.type_name
        mismatch = self._mismatch
        wanted = JAVA_NAMES[kind]

        def read_string(value: Any) -> Any:
            if type(value) is str:
                return value
            raise mismatch(value, wanted)

        def read_boolean(value: Any) -> Any:
            if value is True or value is False:
                return value
            raise mismatch(value, wanted)

        def read_integer(value: Any) -> Any:
            if type(value) is float and value.is_integer():
                value = int(value)
            if type(value) is not int or not -limit <= value < limit:
                raise mismatch(value, wanted)
            return value

        def read_float(value: Any) -> Any:
            if type(value) is float or type(value) is int:
                return value
            if type(value) is str and value in _SPECIAL_FLOATS:
                return _SPECIAL_FLOATS[value]
            raise mismatch(value, wanted)

        def read_moment(value: Any) -> Any:
            try:
                return read_timestamp(value)
            except (ValueError, TypeError) as error:
                raise mismatch(value, wanted) from error

        def read_base64(value: Any) -> Any:
            if type(value) is not str:
                raise mismatch(value, wanted)
            return decode_base64(value)

        def read_bytes(value: Any) -> Any:
            if type(value) is bytes:
                return value
            raise mismatch(value, wanted)

        if kind in INTEGER_BITS:
            limit = 2 ** INTEGER_BITS[kind]
            return read_integer
        if kind == "blob":
            return read_bytes if self._blobs_are_bytes else read_base64
        return {
            "boolean": read_boolean,
            "float": read_float,
            "double": read_float,
            "timestamp": read_moment,
        }.get(kind, read_string)


def _document(value: Any) -> Any:
    return value


def decode_base64(text: str) -> bytes:
    """The bytes of standard base64; ``SerializationException`` as AWS words it where it is none."""
    if len(text) % 4:
        raise SerializationException(f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(text)}")
    try:
        return binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise SerializationException("Invalid Base64 string.") from error


class TreeWriterCompiler:
    """Compiles the writers of one service's shapes.

    ``encode`` makes of a written structure what the encoder takes over as it is: for structures that a service keeps.
    """

    def __init__(
        self,
        write_blob: Writer | None,
        write_float: Writer | None,
        write_epoch: Writer | None,
        encode: Writer | None = None,
    ) -> None:
        self._encode = encode
        self._write_blob = write_blob
        self._write_float = write_float
        self._write_epoch = write_epoch
        self._structures = CompiledStructures[Writer]()
        self._plain: dict[str, bool] = {}

    def compile(self, shape: Shape) -> Writer | None:
        """The writer of a shape, or None where the encoder takes the value as it is."""
        if isinstance(shape, StructureShape):
            return (
                None
                if shape.is_document_type or self._is_plain_union(shape)
                else self._structures.get(shape, self.members)
            )
        if isinstance(shape, ListShape):
            return _write_list(self.compile(shape.member))
        if isinstance(shape, MapShape):
            return _write_map(self.compile(shape.value))
        return self._scalar(shape)

    def _is_plain_union(self, shape: StructureShape) -> bool:
        """Whether a union is encoded as it is: it has one member, so nothing to leave out, and DynamoDB lives on it."""
        if shape.name not in self._plain:
            self._plain[shape.name] = self._needs_no_writer(shape)
        return self._plain[shape.name]

    def _needs_no_writer(self, union: StructureShape) -> bool:
        seen: set[str] = set()
        pending: list[Shape] = [union]
        while pending:
            shape = pending.pop()
            if isinstance(shape, StructureShape):
                if shape.name not in seen:
                    seen.add(shape.name)
                    if not shape.is_tagged_union:
                        return False
                    if any(member.serialization.get("name", key) != key for key, member in shape.members.items()):
                        return False
                    pending.extend(shape.members.values())
            elif isinstance(shape, ListShape):
                pending.append(shape.member)
            elif isinstance(shape, MapShape):
                pending.append(shape.value)
            elif self._scalar(shape) is not None:
                return False
        return True

    def members(self, shape: StructureShape, names: Iterable[str] | None = None) -> Writer:
        """The writer of a structure, or of those of its members that travel in the body."""
        members = {
            key: (shape.members[key].serialization.get("name", key), self.compile(shape.members[key]))
            for key in (shape.members if names is None else names)
        }
        lookup = members.get

        def write(value: Any) -> Any:
            result = {}
            for key, item in value.items():
                if item is not None:
                    member = lookup(key)
                    if member is not None:
                        write_item = member[1]
                        result[member[0]] = item if write_item is None else write_item(item)
            return result

        return write if self._encode is None else _write_once(write, self._encode)

    def _scalar(self, shape: Shape) -> Writer | None:
        if shape.type_name == "blob":
            return self._write_blob
        if shape.type_name in {"float", "double"}:
            return self._write_float
        if shape.type_name == "timestamp":
            timestamp_format = shape.serialization.get("timestampFormat", "unixTimestamp")
            return self._write_epoch if timestamp_format == "unixTimestamp" else writer_for(timestamp_format)
        return None


def _write_once(write: Writer, encode: Writer) -> Writer:
    def write_or_take(value: Any) -> Any:
        if type(value) is not KeptStructure:
            return write(value)
        if value.written is None:
            value.written = encode(write(value))
        return value.written

    return write_or_take


def _write_list(write_item: Writer | None) -> Writer | None:
    if write_item is None:
        return None
    return lambda value: [None if item is None else write_item(item) for item in value]


def _write_map(write_item: Writer | None) -> Writer | None:
    if write_item is None:
        return None
    return lambda value: {key: write_item(item) for key, item in value.items() if item is not None}


def json_float(value: Any) -> Any:
    """A number, or the word that stands for what JSON has no number for."""
    number = float(value)
    if math.isfinite(number):
        return value if type(value) is int else number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def json_default(value: Any) -> Any:
    """What orjson asks for the types it does not know: blobs and moments, wherever they are."""
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime):
        return writer_for("unixTimestamp")(value)
    raise TypeError(f"{type(value).__name__} is no AWS type")
