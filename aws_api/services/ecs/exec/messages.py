"""Messages of a session's data channel, to bytes and back. Pure.

A message is a header of 120 bytes and a payload: the header's length, type, schema version, time, sequence number,
flags, id, the payload's SHA-256, type and length, all big endian.
"""

import struct
import uuid
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag, StrEnum
from hashlib import sha256
from typing import Any

import orjson

_HEADER = struct.Struct(">I32sIQqQ16s32sII")
#: What the first field says: the header without the payload's length.
HEADER_LENGTH = _HEADER.size - 4
_TYPE_BYTES = 32
_SCHEMA_VERSION = 1
_ACKNOWLEDGE_FLAGS = 3
KMS_ENCRYPTION = "KMSEncryption"
MAX_PAYLOAD_BYTES = 256 * 1024


class MalformedMessage(ValueError):
    """The bytes are no message, or were damaged on their way."""


class MessageType(StrEnum):
    """What a message is."""

    INPUT = "input_stream_data"
    OUTPUT = "output_stream_data"
    ACKNOWLEDGE = "acknowledge"
    CHANNEL_CLOSED = "channel_closed"
    START_PUBLICATION = "start_publication"
    PAUSE_PUBLICATION = "pause_publication"


class PayloadType(IntEnum):
    """What a stream's message carries."""

    NONE = 0
    OUTPUT = 1
    ERROR = 2
    SIZE = 3
    PARAMETER = 4
    HANDSHAKE_REQUEST = 5
    HANDSHAKE_RESPONSE = 6
    HANDSHAKE_COMPLETE = 7
    ENCRYPTION_CHALLENGE_REQUEST = 8
    ENCRYPTION_CHALLENGE_RESPONSE = 9
    FLAG = 10
    STANDARD_ERROR = 11
    EXIT_CODE = 12


class Flags(IntFlag):
    """Where a message stands in its stream."""

    SYN = 1
    FIN = 2


class SessionFlag(IntEnum):
    """The payload of a FLAG: what the client wants of the session."""

    DISCONNECT_TO_PORT = 1
    TERMINATE_SESSION = 2
    CONNECT_TO_PORT_ERROR = 3


class ActionStatus(IntEnum):
    """What became of a handshake's action at the client."""

    SUCCESS = 1
    FAILED = 2
    UNSUPPORTED = 3


@dataclass(frozen=True, kw_only=True)
class AgentMessage:
    """One message. ``type`` and ``payload_type`` are kept as they came: there may be newer ones than we know."""

    type: str
    payload: bytes = b""
    payload_type: int = PayloadType.NONE
    sequence_number: int = 0
    flags: int = 0
    created_ms: int = 0
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    schema_version: int = _SCHEMA_VERSION


def encode(message: AgentMessage) -> bytes:
    """A message as it goes over the wire."""
    # The id's halves are the wrong way round: least significant first.
    message_id = message.id.bytes[8:] + message.id.bytes[:8]
    header = _HEADER.pack(
        HEADER_LENGTH,
        message.type.encode().ljust(_TYPE_BYTES),
        message.schema_version,
        message.created_ms,
        message.sequence_number,
        message.flags,
        message_id,
        sha256(message.payload).digest(),
        message.payload_type,
        len(message.payload),
    )
    return header + message.payload


def decode(data: bytes) -> AgentMessage:
    """A message off the wire. Raises MalformedMessage."""
    if len(data) < _HEADER.size:
        raise MalformedMessage(f"{len(data)} bytes are no message.")
    length, kind, schema, created, sequence, flags, message_id, digest, payload_type, size = _HEADER.unpack_from(data)
    # A longer header is of a later version: what it adds stands before the payload's length.
    if not HEADER_LENGTH <= length <= len(data) - 4:
        raise MalformedMessage(f"A header of {length} bytes does not fit.")
    if length > HEADER_LENGTH:
        (size,) = struct.unpack_from(">I", data, length)
    payload = data[length + 4 :]
    if len(payload) != size or size > MAX_PAYLOAD_BYTES:
        raise MalformedMessage(f"The payload has {len(payload)} bytes, not {size}.")
    if payload and sha256(payload).digest() != digest:
        raise MalformedMessage("The payload is not what its digest says.")
    try:
        text = kind.strip(b" \0").decode("ascii")
    except UnicodeDecodeError as error:
        raise MalformedMessage("The message's type is no text.") from error
    return AgentMessage(
        type=text,
        payload=payload,
        payload_type=payload_type,
        sequence_number=sequence,
        flags=flags,
        created_ms=created,
        id=uuid.UUID(bytes=message_id[8:] + message_id[:8]),
        schema_version=schema,
    )


# Payloads -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Size:
    """A terminal's size in characters."""

    rows: int
    columns: int


def read_json(payload: bytes) -> Mapping[str, Any]:
    """A payload that is a JSON object. Raises MalformedMessage."""
    try:
        value = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise MalformedMessage("The payload is no JSON.") from error
    if not isinstance(value, dict):
        raise MalformedMessage("The payload is no JSON object.")
    return value


def acknowledgement(message: AgentMessage, created_ms: int) -> AgentMessage:
    """The message that says that another has arrived."""
    content = {
        "AcknowledgedMessageType": message.type,
        "AcknowledgedMessageId": str(message.id),
        "AcknowledgedMessageSequenceNumber": message.sequence_number,
        "IsSequentialMessage": True,
    }
    return AgentMessage(
        type=MessageType.ACKNOWLEDGE, payload=orjson.dumps(content), flags=_ACKNOWLEDGE_FLAGS, created_ms=created_ms
    )


def acknowledged_number(message: AgentMessage) -> int:
    """The sequence number that an acknowledgement is of. Raises MalformedMessage."""
    number = read_json(message.payload).get("AcknowledgedMessageSequenceNumber")
    if not isinstance(number, int):
        raise MalformedMessage("The acknowledgement has no sequence number.")
    return number


def handshake_request(
    agent_version: str, session_type: str, properties: Mapping[str, Any], kms_key_id: str = ""
) -> bytes:
    """What the client is asked to do before the session begins: to be of its type, and to encrypt with its key."""
    parameters = {"SessionType": session_type, "Properties": properties}
    actions: list[dict[str, Any]] = [{"ActionType": "SessionType", "ActionParameters": parameters}]
    if kms_key_id:
        actions.append({"ActionType": KMS_ENCRYPTION, "ActionParameters": {"KMSKeyId": kms_key_id}})
    return orjson.dumps({"AgentVersion": agent_version, "RequestedClientActions": actions})


def handshake_problem(payload: bytes) -> str:
    """Why a client's handshake response is none to go on with; empty where it is one. Raises MalformedMessage."""
    response = read_json(payload)
    for action in response.get("ProcessedClientActions") or ():
        if not isinstance(action, dict):
            raise MalformedMessage("The handshake's response has no list of actions.")
        if action.get("ActionStatus") != ActionStatus.SUCCESS:
            return str(action.get("Error") or f"the client does not take the action {action.get('ActionType')}")
    return "; ".join(map(str, response.get("Errors") or ()))


def agreed_data_key(payload: bytes) -> bytes:
    """The encrypted data key in a client's handshake response. Raises MalformedMessage."""
    for action in read_json(payload).get("ProcessedClientActions") or ():
        if isinstance(action, dict) and action.get("ActionType") == KMS_ENCRYPTION:
            return _decoded((action.get("ActionResult") or {}).get("KMSCipherTextKey"))
    raise MalformedMessage("The handshake's response has no data key.")


def encryption_challenge(challenge: bytes) -> bytes:
    """What the other side has to answer, encrypted anew, to show that it has the session's key."""
    return orjson.dumps({"Challenge": b64encode(challenge).decode()})


def challenge_of(payload: bytes) -> bytes:
    """The challenge in such a payload. Raises MalformedMessage."""
    return _decoded(read_json(payload).get("Challenge"))


def _decoded(text: Any) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (TypeError, ValueError) as error:
        raise MalformedMessage("It is no base64.") from error


def handshake_complete(took_ns: int, customer_message: str = "") -> bytes:
    """The handshake's end: how long it took, and what to show the user."""
    return orjson.dumps({"HandshakeTimeToComplete": took_ns, "CustomerMessage": customer_message})


def size_of(payload: bytes) -> Size:
    """The terminal's size in a SIZE payload. Raises MalformedMessage."""
    value = read_json(payload)
    rows, columns = value.get("rows"), value.get("cols")
    if not (isinstance(rows, int) and isinstance(columns, int) and 0 < rows < 65536 and 0 < columns < 65536):
        raise MalformedMessage("The terminal's size is none.")
    return Size(rows=rows, columns=columns)


def session_flag(payload: bytes) -> int:
    """The flag in a FLAG payload. Raises MalformedMessage."""
    if len(payload) != 4:
        raise MalformedMessage("A flag has four bytes.")
    return int.from_bytes(payload, "big")


def channel_closed(session_id: str, destination_id: str, output: str, created_ms: int) -> AgentMessage:
    """The last message: the session is over. The client shows ``output``, where there is some, to its user."""
    message_id = uuid.uuid4()
    content = {
        "MessageId": str(message_id),
        "CreatedDate": str(created_ms),
        "DestinationId": destination_id,
        "SessionId": session_id,
        "MessageType": MessageType.CHANNEL_CLOSED,
        "SchemaVersion": _SCHEMA_VERSION,
        "Output": output,
    }
    return AgentMessage(
        type=MessageType.CHANNEL_CLOSED, payload=orjson.dumps(content), created_ms=created_ms, id=message_id
    )
