"""What a stream tells of a change: the record, as its view type shows it. Pure.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
"""

import base64
from dataclasses import dataclass
from typing import Any

import orjson

from aws_api.services.dynamodb.attribute_values import equal, item_size
from aws_api.services.dynamodb.schema import KeySchema, StreamView
from aws_api.services.dynamodb.stored import Stored

_SHOWS_NEW = frozenset((StreamView.NEW_IMAGE, StreamView.NEW_AND_OLD_IMAGES))
_SHOWS_OLD = frozenset((StreamView.OLD_IMAGE, StreamView.NEW_AND_OLD_IMAGES))
#: Who it was, where an item expired.
_EXPIRY = {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """An item before and after a write. ``is_expiry``: DynamoDB itself deleted it, because its time had come."""

    before: Stored | None
    after: Stored | None
    keys: KeySchema
    is_expiry: bool


def record_of(change: Change, view: StreamView) -> bytes | None:
    """The record's wire JSON without its number and time; None where nothing changed."""
    before, after = change.before, change.after
    present = after or before
    if present is None:
        return None
    if before is None:
        event = "INSERT"
    elif after is None:
        event = "REMOVE"
    elif equal({"M": before.item}, {"M": after.item}):
        return None
    else:
        event = "MODIFY"
    keys = {name: present.item[name] for name in change.keys.names}
    told: dict[str, Any] = {"Keys": keys, "StreamViewType": view}
    size = item_size(keys)
    for member, stored, views in (("NewImage", after, _SHOWS_NEW), ("OldImage", before, _SHOWS_OLD)):
        if stored is not None and view in views:
            told[member] = stored.item
            size += stored.size
    told["SizeBytes"] = size
    record: dict[str, Any] = {"eventName": event, "dynamodb": told}
    if change.is_expiry:
        record["userIdentity"] = _EXPIRY
    return orjson.dumps(record, default=lambda blob: base64.b64encode(blob).decode())
