"""The hot reads of the Parameter Store: what concurrent requests ask for goes into one statement.

Nothing is cached: who reads after somebody's PutParameter was answered reads what was put, in every process.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from aws_api.core import database
from aws_api.core.arns import Arn
from aws_api.core.coalescing import Coalescer
from aws_api.core.context import Context
from aws_api.services.ssm.names import Selection, parameter_arn

_COLUMNS = """parameter.name, version.version, version.type, version.value, version.has_managed_key, version.tier,
    version.data_type, version.modified_at"""

_SELECT = f"""
    SELECT parameter.id AS parameter_id, {_COLUMNS}
    FROM {{asked}} AS asked (account_id, region, name, version, label, place)
    LEFT JOIN ssm_parameter AS parameter ON parameter.account_id = asked.account_id
        AND parameter.region = asked.region AND parameter.name = asked.name
    LEFT JOIN ssm_parameterversion AS version ON version.parameter_id = parameter.id AND version.version = COALESCE(
        asked.version,
        CASE WHEN asked.label IS NULL THEN parameter.latest_version ELSE (
            SELECT labelled.version FROM ssm_parameterversion AS labelled
            WHERE labelled.parameter_id = parameter.id AND labelled.labels ? asked.label
        ) END
    )
    ORDER BY asked.place
"""
_GET = _SELECT.format(
    asked="unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[]) WITH ORDINALITY",
)
# What a lone client waits for, without the arrays.
_GET_ONE = _SELECT.format(asked="(VALUES ($1::text, $2::text, $3::text, $4::int, $5::text, 1))")

_TAGS = """
    SELECT tags FROM ssm_parameter WHERE account_id = $1 AND region = $2 AND name IN ($3, $4) ORDER BY name DESC
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundVersion:
    """A version of a parameter as reads need it."""

    arn: str
    name: str
    version: int
    type: str
    value: str
    has_managed_key: bool
    tier: str
    data_type: str
    modified_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What there is of a selection: ``version`` is None where the parameter is there but not what was selected."""

    version: FoundVersion | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    account_id: str
    region: str
    selection: Selection


class ParameterStore:
    """The statements of one event loop."""

    def __init__(self) -> None:
        self._gets: Coalescer[_Asked, Found | None] = Coalescer(_run_gets)

    async def get(self, context: Context, selection: Selection) -> Found | None:
        """What is selected; None where there is no such parameter."""
        return await self._gets.submit(
            _Asked(account_id=context.account_id, region=context.region, selection=selection)
        )


async def find_tags(arn: str) -> Mapping[str, str]:
    """The tags of the parameter of an ARN."""
    parts = Arn.parse(arn)
    name = parts.resource.removeprefix("parameter/")
    row = await database.fetch_row(_TAGS, parts.account_id, parts.region, name, f"/{name}")
    return {} if row is None else row["tags"]


def parameter_store() -> ParameterStore:
    """The running event loop's."""
    return _store_of(id(asyncio.get_running_loop()))


@cache
def _store_of(_loop_id: int) -> ParameterStore:
    return ParameterStore()


async def _run_gets(batch: Sequence[_Asked]) -> list[Found | Exception | None]:
    wanted = [
        (asked.account_id, asked.region, asked.selection.name, asked.selection.version, asked.selection.label)
        for asked in batch
    ]
    if len(wanted) == 1:
        rows = await database.fetch(_GET_ONE, *wanted[0])
    else:
        rows = await database.fetch(_GET, *(list(column) for column in zip(*wanted, strict=True)))
    return [_found(asked, row) for asked, row in zip(batch, rows, strict=True)]


def _found(asked: _Asked, row: Any) -> Found | None:
    if row["parameter_id"] is None:
        return None
    if row["version"] is None:
        return Found(version=None)
    return Found(
        version=FoundVersion(
            arn=parameter_arn(asked.account_id, asked.region, row["name"]),
            name=row["name"],
            version=row["version"],
            type=row["type"],
            value=row["value"],
            has_managed_key=row["has_managed_key"],
            tier=row["tier"],
            data_type=row["data_type"],
            modified_at=row["modified_at"],
        )
    )
