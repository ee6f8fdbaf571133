"""Event streams: answers that are a sequence of framed events.

https://smithy.io/2.0/aws/amazon-eventstream.html
"""

import struct
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import Any

from botocore.model import Shape, StructureShape

from aws_api.core.errors import AwsError
from aws_api.protocol.timestamps import EPOCH
from aws_api.protocol.wire import WireResponse

#: Encodes one structure as a payload.
EncodePayload = Callable[[Any], bytes]
#: Compiles the encoder of a structure's payload, in the protocol that the stream belongs to.
CompilePayload = Callable[[StructureShape], EncodePayload]
EncodeEvent = Callable[[Any], bytes]

CONTENT_TYPE = "application/vnd.amazon.eventstream"


def encode_frame(headers: Mapping[str, Any], payload: bytes) -> bytes:
    """One message: lengths, checksum, headers, payload, checksum."""
    encoded = b"".join(_encode_header(name, value) for name, value in headers.items())
    prelude = struct.pack("!II", 16 + len(encoded) + len(payload), len(encoded))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + encoded + payload
    return message + struct.pack("!I", zlib.crc32(message))


def _encode_header(name: str, value: Any) -> bytes:
    key = name.encode()
    head = struct.pack("!B", len(key)) + key
    if isinstance(value, bool):
        return head + (b"\x00" if value else b"\x01")
    if isinstance(value, int):
        return head + struct.pack("!Bq", 5, value)
    if isinstance(value, datetime):
        return head + struct.pack("!Bq", 8, int((value - EPOCH).total_seconds() * 1000))
    if isinstance(value, bytes):
        return head + struct.pack("!BH", 6, len(value)) + value
    text = str(value).encode()
    return head + struct.pack("!BH", 7, len(text)) + text


def event_stream_serializer(
    shape: StructureShape,
    compile_payload: CompilePayload,
    payload_type: str,
    *,
    initial: EncodePayload | None,
) -> Callable[[Mapping[str, Any], str], WireResponse]:
    """Compile the serialiser of an answer whose ``shape.event_stream_name`` member is an iterator of events.

    Each event is ``{"EventName": {...}}``; an ``AwsError`` that the iterator raises ends the stream as an exception
    event. ``initial`` encodes the other members of the answer as the first event, in protocols that want one.
    """
    stream_name = shape.event_stream_name
    events = {
        name: _event_encoder(name, event, compile_payload, payload_type)
        for name, event in shape.members[stream_name].members.items()
    }

    async def frames(result: Mapping[str, Any]) -> AsyncIterator[bytes]:
        if initial is not None:
            headers = {":event-type": "initial-response", ":content-type": payload_type, ":message-type": "event"}
            others = {name: value for name, value in result.items() if name != stream_name}
            yield encode_frame(headers, initial(others))
        try:
            async for event in result[stream_name]:
                for name, value in event.items():
                    yield events[name](value)
        except AwsError as error:
            encode = events.get(error.code) or events.get(error.code[0].lower() + error.code[1:])
            members = {"message": error.message, **error.members}
            yield encode(members) if encode is not None else _unmodelled(error)

    def serialize(result: Mapping[str, Any], request_id: str) -> WireResponse:
        return WireResponse(200, (("content-type", CONTENT_TYPE), ("x-amzn-requestid", request_id)), frames(result))

    return serialize


def _unmodelled(error: AwsError) -> bytes:
    headers = {":message-type": "error", ":error-code": error.code, ":error-message": error.message}
    return encode_frame(headers, b"")


def _event_encoder(name: str, shape: StructureShape, compile_payload: CompilePayload, payload_type: str) -> EncodeEvent:
    kind = "exception" if shape.metadata.get("exception") else "event"
    headers = {f":{kind}-type": name, ":message-type": kind}
    header_names = [key for key, member in shape.members.items() if member.serialization.get("eventheader")]
    payload_names = [key for key, member in shape.members.items() if member.serialization.get("eventpayload")]
    if payload_names:
        content_type, encode_payload = _payload_encoder(
            payload_names[0], shape.members[payload_names[0]], compile_payload, payload_type
        )
    else:
        content_type, encode_payload = payload_type, compile_payload(shape)

    def encode(value: Any) -> bytes:
        own = {key: value[key] for key in header_names if value.get(key) is not None}
        return encode_frame({**headers, ":content-type": content_type, **own}, encode_payload(value))

    return encode


def _payload_encoder(
    name: str, shape: Shape, compile_payload: CompilePayload, payload_type: str
) -> tuple[str, EncodePayload]:
    if isinstance(shape, StructureShape):
        encode = compile_payload(shape)
        return payload_type, lambda value: encode(value.get(name) or {})
    if shape.type_name == "blob":
        return "application/octet-stream", lambda value: bytes(value.get(name) or b"")
    return "text/plain", lambda value: str(value.get(name) or "").encode()
