"""Scalars as text: in query parameters, headers, URIs and XML."""

import base64
import binascii
import math
import re
from collections.abc import Callable
from typing import Any

from botocore.model import Shape

from aws_api.core.errors import AwsError
from aws_api.protocol.timestamps import read_timestamp, writer_for
from aws_api.protocol.tree import INTEGER_BITS, JAVA_NAMES, json_float

TextReader = Callable[[str], Any]
TextWriter = Callable[[Any], str]
#: Makes the error for a text that is not of its type: the text, and what Java calls the type wanted.
Malformed = Callable[[str, str], AwsError]

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_FLOAT = re.compile(r"[+-]?([0-9]{1,400}(\.[0-9]{0,400})?|\.[0-9]{1,400})([eE][+-]?[0-9]{1,4})?")
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
_SPECIAL_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def text_reader(shape: Shape, malformed: Malformed) -> TextReader:
    """The reader of a scalar from text."""
    kind = shape.type_name
    wanted = JAVA_NAMES[kind]

    def read_boolean(text: str) -> Any:
        value = _BOOLEANS.get(text.lower())
        if value is None:
            raise malformed(text, wanted)
        return value

    def read_integer(text: str) -> Any:
        if not _INTEGER.fullmatch(text) or not -limit <= int(text) < limit:
            raise malformed(text, wanted)
        return int(text)

    def read_float(text: str) -> Any:
        if text in _SPECIAL_FLOATS:
            return _SPECIAL_FLOATS[text]
        if not _FLOAT.fullmatch(text):
            raise malformed(text, wanted)
        return float(text)

    def read_moment(text: str) -> Any:
        try:
            return read_timestamp(text.strip())
        except (ValueError, TypeError) as error:
            raise malformed(text, wanted) from error

    def read_blob(text: str) -> Any:
        try:
            return binascii.a2b_base64("".join(text.split()).encode("ascii"), strict_mode=True)
        except (binascii.Error, UnicodeEncodeError) as error:
            raise malformed(text, wanted) from error

    if kind in INTEGER_BITS:
        limit = 2 ** INTEGER_BITS[kind]
        return read_integer
    readers: dict[str, TextReader] = {
        "boolean": read_boolean,
        "float": read_float,
        "double": read_float,
        "timestamp": read_moment,
        "blob": read_blob,
    }
    return readers.get(kind, str)


def text_writer(shape: Shape, timestamp_format: str) -> TextWriter:
    """The writer of a scalar as text; ``timestamp_format`` where the model names none."""
    kind = shape.type_name
    if kind == "timestamp":
        write_moment = writer_for(shape.serialization.get("timestampFormat", timestamp_format))
        return lambda value: str(write_moment(value))
    if kind == "boolean":
        return lambda value: "true" if value else "false"
    if kind == "blob":
        return lambda value: base64.b64encode(value).decode("ascii")
    if kind in {"float", "double"}:
        return lambda value: str(json_float(value))
    return str
