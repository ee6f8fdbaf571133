"""Batches: what makes a whole batch wrong, and results that are partly failures."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from aws_api.core.errors import AwsError
from aws_api.services.sqs.shapes import (
    BatchEntryIdsNotDistinct,
    EmptyBatchRequest,
    InvalidBatchEntryId,
    TooManyEntriesInBatchRequest,
)

MAX_ENTRIES = 10

_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")


def check_entries(entries: Sequence[Mapping[str, Any]], entry_shape: str) -> None:
    """Refuse a batch that is empty, too long, or whose ids are malformed or repeated."""
    if not entries:
        raise EmptyBatchRequest(f"There should be at least one {entry_shape} in the request.")
    if len(entries) > MAX_ENTRIES:
        raise TooManyEntriesInBatchRequest(
            f"Maximum number of entries per request are {MAX_ENTRIES}. You have sent {len(entries)}."
        )
    seen: set[str] = set()
    for entry in entries:
        entry_id = entry["Id"]
        if not _ID.fullmatch(entry_id):
            raise InvalidBatchEntryId(
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most "
                "80 letters long."
            )
        if entry_id in seen:
            raise BatchEntryIdsNotDistinct(f"Id {entry_id} repeated.")
        seen.add(entry_id)


def failed_entry(entry_id: str, error: AwsError) -> dict[str, Any]:
    """An entry's error as BatchResultErrorEntry."""
    return {
        "Id": entry_id,
        "SenderFault": error.sender_fault,
        "Code": error.query_code or error.code,
        "Message": error.message,
    }


def results(successful: Sequence[Mapping[str, Any]], failed: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A batch's answer: lists that are empty are left out, as AWS leaves them."""
    answer: dict[str, Any] = {}
    if successful:
        answer["Successful"] = list(successful)
    if failed:
        answer["Failed"] = list(failed)
    return answer
