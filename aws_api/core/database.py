"""The async road to Postgres for hot operations: prepared statements on a pool per event loop.

The tables are those that the models define; everything that is not hot goes through the ORM.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import orjson
from django.db import connection

#: Group commit keeps few statements under way at once, so a few connections carry any load.
POOL_SIZE = 8
STATEMENT_TIMEOUT_S = 30

_pools: dict[asyncio.AbstractEventLoop, "asyncio.Task[asyncpg.Pool]"] = {}


async def pool() -> asyncpg.Pool:
    """The running loop's connection pool, opened on first use. JSON columns are read and written as Python values."""
    loop = asyncio.get_running_loop()
    opening = _pools.get(loop)
    if opening is None:
        opening = _pools[loop] = loop.create_task(_open_pool())
    try:
        return await asyncio.shield(opening)
    except OSError:
        _pools.pop(loop, None)  # the next caller tries again
        raise


async def fetch(sql: str, *arguments: Any) -> Sequence[Any]:
    """Run one statement in its own transaction and return its rows. One round trip once prepared."""
    opened = await pool()
    rows: Sequence[Any] = await opened.fetch(sql, *arguments)
    return rows


async def fetch_row(sql: str, *arguments: Any) -> Any | None:
    """Run one statement and return its first row, or None."""
    opened = await pool()
    return await opened.fetchrow(sql, *arguments)


async def close_pool() -> None:
    """Close the running loop's pool."""
    opening = _pools.pop(asyncio.get_running_loop(), None)
    if opening is not None:
        await (await opening).close()


async def _open_pool() -> asyncpg.Pool:
    # Django's settings, as its connection has them: tests point that at their own database.
    settings = connection.settings_dict
    return await asyncpg.create_pool(
        host=settings["HOST"],
        port=int(settings["PORT"]),
        user=settings["USER"],
        password=settings["PASSWORD"] or None,
        database=settings["NAME"],
        min_size=1,
        max_size=POOL_SIZE,
        command_timeout=STATEMENT_TIMEOUT_S,
        init=_prepare_connection,
        # No RESET ALL between uses: it is a round trip, and no statement of ours leaves session state.
        reset=_leave_as_it_is,
    )


async def _prepare_connection(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + orjson.dumps(value),
        decoder=lambda data: orjson.loads(data[1:]),
    )


async def _leave_as_it_is(_connection: asyncpg.Connection) -> None:
    return None
