"""Shard iterators: a place in a shard, as text that every process can read, good for a quarter of an hour."""

from dataclasses import dataclass

from aws_api.core.errors import ValidationException
from aws_api.core.pagination import BadToken, decode_token, encode_token
from aws_api.services.dynamodbstreams.shapes import ExpiredIteratorException

LIFETIME_MS = 15 * 60 * 1000
#: Sequence numbers have at least 21 digits and sort as numbers and as text.
_FIRST_SEQUENCE_NUMBER = 10**20


@dataclass(frozen=True, kw_only=True)
class ShardIterator:
    """Where to read on: the number of the next record."""

    stream_arn: str
    shard_id: str
    next: int
    made_at_ms: int

    def text(self) -> str:
        """The iterator as clients carry it."""
        return f"{self.stream_arn}|1|{encode_token([self.shard_id, self.next, self.made_at_ms])}"


def parse_iterator(text: str, now_ms: int) -> ShardIterator:
    """The iterator again. Raises ValidationException for what is none and ExpiredIteratorException."""
    stream_arn, _, rest = text.partition("|1|")
    try:
        shard_id, following, made_at_ms = decode_token(rest)
    except (BadToken, TypeError, ValueError):
        raise ValidationException("Invalid ShardIterator") from None
    if now_ms - made_at_ms > LIFETIME_MS:
        raise ExpiredIteratorException("Iterator expired. The iterator was created more than 15 minutes ago.")
    return ShardIterator(stream_arn=stream_arn, shard_id=shard_id, next=following, made_at_ms=made_at_ms)


def sequence_number(sequence: int) -> str:
    """A record's number as AWS's string."""
    return str(_FIRST_SEQUENCE_NUMBER + sequence)


def sequence_of(number: str) -> int:
    """The number in AWS's string. Raises ValidationException."""
    if not (number.isascii() and number.isdigit()) or int(number) < _FIRST_SEQUENCE_NUMBER:
        raise ValidationException(f"Invalid SequenceNumber: {number}")
    return int(number) - _FIRST_SEQUENCE_NUMBER
