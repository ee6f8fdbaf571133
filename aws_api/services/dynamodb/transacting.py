"""Many planned writes made together: token, conflicts with others, and why a transaction was cancelled."""

import asyncio
import base64
import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from aws_api.core.context import Context
from aws_api.core.errors import AwsError, ValidationException
from aws_api.services.dynamodb import capacity, store
from aws_api.services.dynamodb.changes import Plan
from aws_api.services.dynamodb.schema import TableSchema
from aws_api.services.dynamodb.shapes import (
    ConditionalCheckFailedException,
    DuplicateItemException,
    IdempotentParameterMismatchException,
    TransactionCanceledException,
)
from aws_api.services.dynamodb.store import AlreadyMade, FullKey, StaleSchema, Superseded, Token, Write, Written
from aws_api.services.dynamodb.tables import find_table, forget_table

MAX_BYTES = 4 * 1024 * 1024
SAME_ITEM = "Transaction request cannot include multiple operations on one item"
#: Rounds before the transaction gives way to the others that write its items.
MAX_ROUNDS = 5
_LONGEST_PAUSE_S = 0.02

_NO_REASON = {"Code": "None"}
_CONFLICT = {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}


@dataclass(frozen=True, kw_only=True)
class Made:
    """A transaction that was made, now or, where ``written`` is None, before with the same token."""

    tables: Sequence[TableSchema]
    written: Sequence[Written] | None

    def consumed(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        """ConsumedCapacity: everything counts twice, and asking again counts as reading."""
        tally = capacity.Tally(request, kind="Read" if self.written is None else "Write")
        for at, table in enumerate(self.tables):
            if self.written is None:
                tally.add(table, 2 * capacity.read_units(0, consistent=True))
                continue
            on_table, on_indexes = capacity.write_units(table, self.written[at])
            tally.add(table, 2 * on_table, {name: 2 * units for name, units in on_indexes.items()})
        return tally.shapes()


async def make_together(
    context: Context, plans: Sequence[Plan], request: Mapping[str, Any], *, token: str | None
) -> Made:
    """Make all the planned writes or none.

    Raises TransactionCanceledException with the reasons, ValidationException where two are of one item or all are too
    much, ResourceNotFoundException, and IdempotentParameterMismatchException where the token was another request's.
    """
    known = None if token is None else _token(context, request, token)
    conflicts: frozenset[FullKey] = frozenset()
    writes: list[Write] = []
    for rounds in range(MAX_ROUNDS):
        # Apart from whoever was in the way just now and may be coming again.
        await asyncio.sleep(random.uniform(0, min(_LONGEST_PAUSE_S, 0.002 * rounds)) if rounds else 0)
        tables = [await find_table(context, plan.request["TableName"]) for plan in plans]
        writes = _writes(tables, plans)
        try:
            answers = await store.write_together(writes, known)
        except Superseded as superseded:
            conflicts = superseded.keys
            continue
        except AlreadyMade:
            return await _made_before(known, tables)
        except StaleSchema:
            answers = [StaleSchema()]
        if any(isinstance(answer, StaleSchema) for answer in answers):
            for table in tables:
                await forget_table(context, table.name)
            continue
        if any(isinstance(answer, Exception) for answer in answers):
            # What was made with this token may be why its conditions are met no more.
            if known is not None and await store.made_with(known) is not None:
                return await _made_before(known, tables)
            raise cancelled([reason_of(answer) for answer in answers])
        written = [answer for answer in answers if isinstance(answer, Written)]
        return Made(tables=tables, written=written)
    raise cancelled([_CONFLICT if write.full_key in conflicts else _NO_REASON for write in writes])


def cancelled(reasons: Sequence[Mapping[str, Any]]) -> TransactionCanceledException:
    """The error of a transaction that cannot be, with a reason for each of its actions."""
    return TransactionCanceledException(
        "Transaction cancelled, please refer cancellation reasons for specific reasons "
        f"[{', '.join(reason['Code'] for reason in reasons)}]",
        CancellationReasons=list(reasons),
    )


def reason_of(outcome: Written | Exception | None) -> Mapping[str, Any]:
    """The CancellationReason of an action."""
    if isinstance(outcome, ConditionalCheckFailedException):
        return {"Code": "ConditionalCheckFailed", "Message": outcome.message, **outcome.members}
    if isinstance(outcome, DuplicateItemException):
        return {"Code": "DuplicateItem", "Message": outcome.message}
    if isinstance(outcome, AwsError):
        return {"Code": "ValidationError", "Message": outcome.message}
    return _NO_REASON


def _writes(tables: Sequence[TableSchema], plans: Sequence[Plan]) -> list[Write]:
    """The writes for the tables as they are. Raises TransactionCanceledException where one does not fit its table."""
    made: list[Write] = []
    outcomes: list[Exception | None] = []
    for table, plan in zip(tables, plans, strict=True):
        try:
            made.append(plan.make(table))
            outcomes.append(None)
        except ValidationException as error:
            outcomes.append(error)
    if any(outcomes):
        raise cancelled([reason_of(outcome) for outcome in outcomes])
    if len({write.full_key for write in made}) != len(made):
        raise ValidationException(SAME_ITEM)
    _check_size(made)
    return made


def _check_size(writes: Sequence[Write]) -> None:
    puts = [write.change(None) for write in writes if not write.needs_before]
    if sum(stored.size for stored in puts if stored is not None) > MAX_BYTES:
        raise ValidationException("The aggregate size of the items in the transaction cannot exceed 4 MB")


def _token(context: Context, request: Mapping[str, Any], token: str) -> Token:
    asked = {member: value for member, value in request.items() if member != "ClientRequestToken"}
    text = orjson.dumps(asked, option=orjson.OPT_SORT_KEYS, default=lambda blob: base64.b64encode(blob).decode())
    return Token(
        account_id=context.account_id,
        region=context.region,
        token=token,
        digest=hashlib.blake2b(text, digest_size=16).digest(),
        now=context.clock.now(),
    )


async def _made_before(token: Token | None, tables: Sequence[TableSchema]) -> Made:
    assert token is not None
    if await store.made_with(token) != token.digest:
        raise IdempotentParameterMismatchException(
            "DynamoDB rejected the request because you retried a request with a different payload but with an "
            "idempotent token that was already used."
        )
    return Made(tables=tables, written=None)
