"""What a message may be, its digests, and how a receiver is shown it. Pure.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
"""

import base64
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import md5
from typing import Any

from aws_api.services.sqs.errors import InvalidParameterValue, MissingParameter, invalid_value
from aws_api.services.sqs.queues import QueueSettings
from aws_api.services.sqs.receipts import Receipt
from aws_api.services.sqs.shapes import InvalidAttributeName, InvalidMessageContents

MAX_ATTRIBUTES = 10
MAX_DELAY_S = 900

_INVALID_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ALLOWED = "#x9 | #xA | #xD | [#x20 to #xD7FF] | [#xE000 to #xFFFD] | [#x10000 to #x10FFFF]"
_ATTRIBUTE_NAME = re.compile(r"(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)")
_FIFO_ID = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")

SYSTEM_ATTRIBUTES = frozenset(
    {
        "All",
        "SenderId",
        "SentTimestamp",
        "ApproximateReceiveCount",
        "ApproximateFirstReceiveTimestamp",
        "SequenceNumber",
        "MessageDeduplicationId",
        "MessageGroupId",
        "AWSTraceHeader",
        "DeadLetterQueueSourceArn",
    }
)


def check_contents(entry: Mapping[str, Any], queue: QueueSettings) -> None:
    """Refuse a body or attributes that SQS does not take. ``entry`` is a SendMessage or one of a batch."""
    body = entry["MessageBody"]
    if not body:
        raise MissingParameter("The request must contain the parameter MessageBody.")
    _check_characters(body, "message body", InvalidMessageContents)
    attributes = entry.get("MessageAttributes")
    if attributes:
        _check_attributes(attributes)
    system_attributes = entry.get("MessageSystemAttributes")
    if system_attributes:
        _check_system_attributes(system_attributes)
    if size_bytes(entry) > queue.maximum_message_bytes:
        limit = queue.maximum_message_bytes
        raise InvalidParameterValue(
            f"One or more parameters are invalid. Reason: Message must be shorter than {limit} bytes."
        )


def check_fifo_id(value: str, parameter: str) -> None:
    """Refuse a MessageGroupId or MessageDeduplicationId of another form."""
    if not _FIFO_ID.fullmatch(value):
        reason = f"{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length."
        raise invalid_value(value, parameter, reason)


def size_bytes(entry: Mapping[str, Any]) -> int:
    """What counts towards the limits: the body and the attributes' names, types and values."""
    body = entry["MessageBody"]
    size = len(body) if body.isascii() else len(body.encode())
    for name, attribute in (entry.get("MessageAttributes") or {}).items():
        size += len(name.encode()) + len(attribute["DataType"].encode()) + len(_value(attribute))
    return size


def md5_of_body(body: str) -> str:
    """MD5OfMessageBody."""
    return md5(body.encode(), usedforsecurity=False).hexdigest()


def md5_of_attributes(attributes: Mapping[str, Mapping[str, Any]]) -> str:
    """MD5OfMessageAttributes: names in order; lengths as 4 bytes; 1 for text, 2 for bytes."""
    digest = md5(usedforsecurity=False)
    for name in sorted(attributes):
        attribute = attributes[name]
        value = _value(attribute)
        for part in (name.encode(), attribute["DataType"].encode()):
            digest.update(len(part).to_bytes(4, "big") + part)
        digest.update(b"\x02" if attribute["DataType"].startswith("Binary") else b"\x01")
        digest.update(len(value).to_bytes(4, "big") + value)
    return digest.hexdigest()


def digests(entry: Mapping[str, Any]) -> dict[str, str]:
    """The MD5 members of a send's answer."""
    answer = {"MD5OfMessageBody": md5_of_body(entry["MessageBody"])}
    if entry.get("MessageAttributes"):
        answer["MD5OfMessageAttributes"] = md5_of_attributes(entry["MessageAttributes"])
    if entry.get("MessageSystemAttributes"):
        answer["MD5OfMessageSystemAttributes"] = md5_of_attributes(entry["MessageSystemAttributes"])
    return answer


def pack_attributes(attributes: Mapping[str, Mapping[str, Any]] | None) -> dict[str, Any] | None:
    """Message attributes as they are kept: JSON, so bytes as base64."""
    if not attributes:
        return None
    return {
        name: [attribute["DataType"], base64.b64encode(attribute["BinaryValue"]).decode("ascii")]
        if attribute["DataType"].startswith("Binary")
        else [attribute["DataType"], attribute["StringValue"]]
        for name, attribute in attributes.items()
    }


def describe(
    row: Mapping[str, Any], system_attributes: frozenset[str], attribute_names: tuple[str, ...]
) -> dict[str, Any]:
    """A received row as SQS's Message, with the attributes that the receiver asked for."""
    receipt = Receipt(
        queue_id=row["queue_id"], id=row["id"], number=row["receipt"], received_at_ms=row["received_at_ms"]
    )
    message: dict[str, Any] = {
        "MessageId": str(row["message_id"]),
        "ReceiptHandle": receipt.handle(),
        "MD5OfBody": md5_of_body(row["body"]),
        "Body": row["body"],
    }
    if system_attributes:
        described = _system_attributes(row)
        if "All" not in system_attributes:
            described = {name: value for name, value in described.items() if name in system_attributes}
        if described:
            message["Attributes"] = described
    if attribute_names and row["attributes"]:
        selected = _unpack(row["attributes"], attribute_names)
        if selected:
            message["MessageAttributes"] = selected
            message["MD5OfMessageAttributes"] = md5_of_attributes(selected)
    return message


def wanted_system_attributes(*lists: Iterable[str] | None) -> frozenset[str]:
    """The names of system attributes asked for. Raises InvalidAttributeName for one that SQS has not."""
    wanted = frozenset(name for names in lists for name in names or ())
    for name in wanted - SYSTEM_ATTRIBUTES:
        raise InvalidAttributeName(f"Unknown Attribute {name}.")
    return wanted


def sequence_number(sequence: int) -> str:
    """A FIFO message's SequenceNumber: 20 digits, growing."""
    return str(10**19 + sequence)


def _system_attributes(row: Mapping[str, Any]) -> dict[str, str]:
    described = {
        "SenderId": row["sender_id"],
        "SentTimestamp": str(row["sent_at_ms"]),
        "ApproximateReceiveCount": str(row["receive_count"]),
        "ApproximateFirstReceiveTimestamp": str(row["first_received_at_ms"]),
    }
    optional = {
        "AWSTraceHeader": row["trace_header"],
        "MessageGroupId": row["group_id"],
        "MessageDeduplicationId": row["deduplication_id"],
        "DeadLetterQueueSourceArn": row["source_arn"],
    }
    described.update({name: value for name, value in optional.items() if value is not None})
    if row["deduplication_id"] is not None:
        described["SequenceNumber"] = sequence_number(row["id"])
    return described


def _unpack(packed: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    selected: dict[str, dict[str, Any]] = {}
    for name, (data_type, value) in packed.items():
        if not _is_selected(name, names):
            continue
        if data_type.startswith("Binary"):
            selected[name] = {"DataType": data_type, "BinaryValue": base64.b64decode(value)}
        else:
            selected[name] = {"DataType": data_type, "StringValue": value}
    return selected


@lru_cache(maxsize=4096)
def _is_selected(name: str, patterns: tuple[str, ...]) -> bool:
    """``All``, ``.*``, a name, or a prefix as ``bar.*`` (which AWS also reads as the prefix ``bar``)."""
    return any(
        pattern in ("All", name) or (pattern.endswith(".*") and name.startswith(pattern[:-2])) for pattern in patterns
    )


def _value(attribute: Mapping[str, Any]) -> bytes:
    if attribute["DataType"].startswith("Binary"):
        binary: bytes = attribute.get("BinaryValue") or b""
        return binary
    text: str = attribute.get("StringValue") or ""
    return text.encode()


def _check_characters(text: str, where: str, error: type[InvalidMessageContents] | type[InvalidParameterValue]) -> None:
    found = _INVALID_CHARACTER.search(text)
    if found is not None:
        code = f"#x{ord(found.group()):X}"
        raise error(f"Invalid binary character '{code}' was found in the {where}, the set of allowed is {_ALLOWED}")


def _check_attributes(attributes: Mapping[str, Mapping[str, Any]]) -> None:
    if len(attributes) > MAX_ATTRIBUTES:
        count = len(attributes)
        raise InvalidParameterValue(
            f"Number of message attributes [{count}] exceeds the allowed maximum [{MAX_ATTRIBUTES}]."
        )
    for name, attribute in attributes.items():
        lowered = name.lower()
        if not _ATTRIBUTE_NAME.fullmatch(name) or lowered.startswith(("aws.", "amazon.")):
            raise InvalidParameterValue(
                f"Message (user) attribute name '{name}' is invalid. A name can contain A-Z, a-z, 0-9, underscore, "
                "hyphen and period, up to 256 characters; it must not start or end with a period, nor start with "
                "'AWS.' or 'Amazon.'."
            )
        _check_attribute(name, attribute)


def _check_attribute(name: str, attribute: Mapping[str, Any]) -> None:
    data_type = attribute["DataType"]
    logical_type = data_type.partition(".")[0]
    if logical_type not in ("String", "Number", "Binary"):
        raise InvalidParameterValue(
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes "
            "is Binary, Number, and String."
        )
    if len(data_type) > 256:
        raise InvalidParameterValue(f"The type of message attribute '{name}' is longer than 256 characters.")
    if not attribute.get("BinaryValue" if logical_type == "Binary" else "StringValue"):
        raise InvalidParameterValue(
            f"Message (user) attribute '{name}' must contain a non-empty value of type '{logical_type}'."
        )
    if logical_type != "Binary":
        _check_characters(attribute["StringValue"], f"message attribute '{name}'", InvalidParameterValue)
    if logical_type == "Number" and not _NUMBER.fullmatch(attribute["StringValue"]):
        raise InvalidParameterValue(f"Can't cast the value of message (user) attribute '{name}' to a number.")


def _check_system_attributes(attributes: Mapping[str, Mapping[str, Any]]) -> None:
    for name, attribute in attributes.items():
        if name != "AWSTraceHeader":
            raise InvalidParameterValue(
                f"Message system attribute name '{name}' is invalid. Supported names are [AWSTraceHeader]."
            )
        if attribute["DataType"] != "String" or not attribute.get("StringValue"):
            raise InvalidParameterValue(
                f"Message system attribute '{name}' must contain a non-empty value of type 'String'."
            )
