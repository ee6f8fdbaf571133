"""What each principal really used, for the least-privilege policy that fits it: counted in memory, written in batches.

Losing the last second of it in a crash loses a hint to people, no more.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from aws_api.core.database import fetch

_log = logging.getLogger(__name__)

FLUSH_EVERY_S = 1.0
#: Between two writes, and per principal in the table: names made up by a loop must not fill either.
MAX_WAITING = 5000
MAX_KEPT_PER_PRINCIPAL = 2000
#: An index entry holds no more.
MAX_RESOURCE_LENGTH = 1024

_RECORD = """
INSERT INTO iam_usedaction AS used (account_id, principal_arn, action, resource, allowed, calls, first_at, last_at)
SELECT new.*, $7::timestamptz, $7::timestamptz
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bool[], $6::bigint[])
       AS new(account_id, principal_arn, action, resource, allowed, calls)
 WHERE (SELECT count(*) FROM iam_usedaction held WHERE held.principal_arn = new.principal_arn) < $8
    ON CONFLICT (principal_arn, action, resource, allowed)
    DO UPDATE SET calls = used.calls + excluded.calls, last_at = excluded.last_at
"""


@dataclass(frozen=True, slots=True)
class Use:
    """A permission that a principal (a user, or a session's role) asked for."""

    account_id: str
    principal_arn: str
    action: str
    resource: str
    allowed: bool


class UsedActions:
    """Counts uses and writes them down every second while there are any."""

    def __init__(self) -> None:
        self._waiting: dict[Use, int] = {}
        self._flushes: set[asyncio.Task[None]] = set()

    def note(self, use: Use) -> None:
        """Count a use; on the event loop."""
        waiting = self._waiting
        if len(use.resource) > MAX_RESOURCE_LENGTH:
            return
        if not waiting:
            asyncio.get_running_loop().call_later(FLUSH_EVERY_S, self._start_flush)
        if use in waiting:
            waiting[use] += 1
        elif len(waiting) < MAX_WAITING:
            waiting[use] = 1

    def _start_flush(self) -> None:
        task = asyncio.get_running_loop().create_task(self.flush(), name="used actions")
        self._flushes.add(task)
        task.add_done_callback(self._flushes.discard)

    async def flush(self) -> None:
        """Write down what is waiting."""
        waiting, self._waiting = self._waiting, {}
        if waiting:
            try:
                await self._write(waiting)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                # Calls go on without it: a hint is lost.
                _log.warning("used actions were not written: %s", error)

    async def _write(self, waiting: Mapping[Use, int]) -> None:
        uses = list(waiting)
        await fetch(
            _RECORD,
            [use.account_id for use in uses],
            [use.principal_arn for use in uses],
            [use.action for use in uses],
            [use.resource for use in uses],
            [use.allowed for use in uses],
            list(waiting.values()),
            datetime.now(UTC),
            MAX_KEPT_PER_PRINCIPAL,
        )


used_actions = UsedActions()
