"""The connections of hot statements: shared, limited, and given up where their server says nothing any more."""

import asyncio

import asyncpg
import pytest

from aws_api.core import database
from aws_api.core.execution import run_on_loop


def test_a_statement_ends_when_its_server_is_silent_for_too_long(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aws_api.core.database.SILENCE_TIMEOUT_S", 0.1)
    monkeypatch.setattr("aws_api.core.database._LISTEN_EVERY_S", 0.05)
    with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError, ConnectionError)):
        run_on_loop(_on_a_pool_of_its_own("SELECT pg_sleep(60)"))
    assert run_on_loop(_on_a_pool_of_its_own("SELECT 1"))[0][0] == 1


def test_postgres_ends_a_statement_that_takes_too_long(database: None) -> None:
    assert run_on_loop(_on_a_pool_of_its_own("SHOW statement_timeout"))[0][0] == "30s"


def test_more_statements_than_connections_take_turns(database: None) -> None:
    async def run() -> list[int]:
        pool = _pool(size=2)
        rows = await asyncio.gather(*(pool.fetch("SELECT $1::int", number) for number in range(20)))
        await pool.close()
        return [row[0][0] for row in rows]

    assert run_on_loop(run()) == list(range(20))


async def _on_a_pool_of_its_own(sql: str) -> list[asyncpg.Record]:
    pool = _pool()
    try:
        return list(await pool.fetch(sql))
    finally:
        await pool.close()


def _pool(size: int = 1) -> database.ConnectionPool:
    return database.ConnectionPool(database._connect, size)
