"""The async road to Postgres for hot operations: prepared statements on a pool per event loop.

The tables are those that the models define; everything that is not hot goes through the ORM.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson
from django.db import connection

#: Group commit keeps few statements under way at once, so a few connections carry any load.
POOL_SIZE = 8
#: Longest that Postgres works on a statement; it ends one that takes longer by itself.
STATEMENT_TIMEOUT_S = 30
#: Longest that a statement waits for a server that says nothing at all any more.
SILENCE_TIMEOUT_S = 40
CLOSE_TIMEOUT_S = 10
#: Each connection costs Postgres 2 to 3 MB, so what a burst opened is given back soon.
IDLE_CONNECTION_S = 30
_LISTEN_EVERY_S = 5

#: The statements of this road are few, and each is meant to go by its keys. Planned anew for each call, as Postgres
#: does with arrays whose length it sees, the larger ones cost more than they do; and a plan made while a table was
#: small must be right when it has grown.
_SETTINGS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "statement_timeout": f"{STATEMENT_TIMEOUT_S}s",
}

_pools: dict[asyncio.AbstractEventLoop, "ConnectionPool"] = {}


class ConnectionPool:
    """At most so many connections, opened when needed; the one used last is used next, since its caches are warm.

    asyncpg's own pool makes a task, a timer and a proxy of every use: more work than a short statement is. For the
    same reason statements have no timers of their own: one for all of them looks now and then for a silent server.
    """

    def __init__(self, connect: Callable[[], Awaitable[asyncpg.Connection]], size: int = POOL_SIZE) -> None:
        self._connect = connect
        self._size = size
        self._places = asyncio.Semaphore(size)
        #: Each with the loop's time when it was given back; the longest idle comes first.
        self._idle: list[tuple[asyncpg.Connection, float]] = []
        self._tidying: asyncio.TimerHandle | None = None
        #: Connections at a single statement, with the loop's time when it began; the one that began first comes first.
        self._asked: dict[asyncpg.Connection, float] = {}
        self._listening: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection for the block's own. Raises OSError where the server cannot be reached."""
        async with self._places:
            opened = await self._take()
            try:
                yield opened
            finally:
                self._give_back(opened)

    async def fetch(self, sql: str, *arguments: Any) -> Sequence[Any]:
        """Run one statement on any connection."""
        async with self._places:
            opened = await self._take()
            self._asked[opened] = asyncio.get_running_loop().time()
            if self._listening is None:
                self._listen()
            try:
                rows: Sequence[Any] = await opened.fetch(sql, *arguments)
            finally:
                del self._asked[opened]
                self._give_back(opened)
        return rows

    async def close(self) -> None:
        """Close every connection once nobody uses it; the pool can be used again."""
        for _ in range(self._size):
            await self._places.acquire()
        for timer in (self._tidying, self._listening):
            if timer is not None:
                timer.cancel()
        self._tidying = self._listening = None
        idle, self._idle = self._idle, []
        for opened, _ in idle:
            await opened.close(timeout=CLOSE_TIMEOUT_S)
        for _ in range(self._size):
            self._places.release()

    async def _take(self) -> asyncpg.Connection:
        while self._idle:
            opened, _ = self._idle.pop()
            if not opened.is_closed():
                return opened
        return await self._connect()

    def _give_back(self, opened: asyncpg.Connection) -> None:
        # A cancelled statement needs no care: asyncpg lets the next one wait until the server has let go of it.
        if not opened.is_closed():
            loop = asyncio.get_running_loop()
            self._idle.append((opened, loop.time()))
            if self._tidying is None:
                self._tidying = loop.call_later(IDLE_CONNECTION_S, self._tidy)

    def _tidy(self) -> None:
        """Close what has not been used for long, but for one."""
        loop = asyncio.get_running_loop()
        while len(self._idle) > 1 and self._idle[0][1] <= loop.time() - IDLE_CONNECTION_S:
            opened, _ = self._idle.pop(0)
            opened.terminate()
        self._tidying = loop.call_later(IDLE_CONNECTION_S, self._tidy) if len(self._idle) > 1 else None

    def _listen(self) -> None:
        """Give up the connections whose server has been silent for too long: who waits for them learns it."""
        loop = asyncio.get_running_loop()
        for opened, asked_at in list(self._asked.items()):
            if asked_at <= loop.time() - SILENCE_TIMEOUT_S:
                opened.terminate()
        self._listening = loop.call_later(_LISTEN_EVERY_S, self._listen) if self._asked else None


def pool() -> ConnectionPool:
    """The running loop's connections. JSON columns are read and written as Python values."""
    loop = asyncio.get_running_loop()
    found = _pools.get(loop)
    if found is None:
        found = _pools[loop] = ConnectionPool(_connect)
    return found


async def fetch(sql: str, *arguments: Any) -> Sequence[Any]:
    """Run one statement in its own transaction and return its rows. One round trip once prepared."""
    return await pool().fetch(sql, *arguments)


async def fetch_row(sql: str, *arguments: Any) -> Any | None:
    """Run one statement and return its first row, or None."""
    rows = await pool().fetch(sql, *arguments)
    return rows[0] if rows else None


async def close_pool() -> None:
    """Close the running loop's connections."""
    found = _pools.pop(asyncio.get_running_loop(), None)
    if found is not None:
        await found.close()


async def _connect() -> asyncpg.Connection:
    # Django's settings, as its connection has them: tests point that at their own database.
    settings = connection.settings_dict
    opened = await asyncpg.connect(
        host=settings["HOST"],
        port=int(settings["PORT"]),
        user=settings["USER"],
        password=settings["PASSWORD"] or None,
        database=settings["NAME"],
        server_settings=_SETTINGS,
    )
    await opened.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + orjson.dumps(value),
        decoder=lambda data: orjson.loads(data[1:]),
    )
    return opened
