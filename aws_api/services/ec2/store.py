"""Rows by their ids, within the caller's account and region; new ids; and what holds rows still."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet

from aws_api.core.context import Context
from aws_api.core.ids import new_hex_id
from aws_api.services.ec2.errors import InvalidParameterValue, MissingParameter, malformed, missing
from aws_api.services.ec2.kinds import Kind
from aws_api.services.ec2.models import Ec2Resource

Resource = TypeVar("Resource", bound=Ec2Resource)


def rows_of(model: type[Resource], context: Context) -> "QuerySet[Resource]":
    """The caller's rows of a model, in this region."""
    rows: QuerySet[Resource] = model._default_manager.filter(account_id=context.account_id, region=context.region)
    return rows


def find(model: type[Resource], context: Context, resource_id: str, *, locked: bool = False) -> Resource:
    """The row of an id; ``locked`` against other writers, and against deletion, until the transaction ends.

    Raises EC2's error for an id that is malformed or does not exist.
    """
    rows = _row_of(model, context, resource_id)
    return _the_one(rows.select_for_update(no_key=True) if locked else rows, resource_id)


def find_to_delete(model: type[Resource], context: Context, resource_id: str) -> Resource:
    """The row of an id, locked against everybody who locks or holds it: what depends on it now is all there will be."""
    return _the_one(_row_of(model, context, resource_id).select_for_update(), resource_id)


def find_all(model: type[Resource], context: Context, resource_ids: Sequence[str]) -> list[Resource]:
    """The rows of several ids, in their order, each once. Raises EC2's error naming those that do not exist."""
    return narrowed(rows_of(model, context), resource_ids)


def narrowed(rows: "QuerySet[Resource]", resource_ids: Sequence[str]) -> list[Resource]:
    """The rows of a queryset that have these ids; all of them must be there."""
    kind = rows.model.kind
    wanted = list(dict.fromkeys(resource_ids))
    for resource_id in wanted:
        if not kind.matches(resource_id):
            raise malformed(kind, resource_id)
    found = {row.resource_id: row for row in rows.filter(resource_id__in=wanted)}
    if absent := [resource_id for resource_id in wanted if resource_id not in found]:
        raise missing(kind, absent)
    return [found[resource_id] for resource_id in wanted]


def demanded_id(context: Context, kind: Kind, model: type[Ec2Resource], member: str) -> str:
    """A new id: the one that the caller's X-Simfra headers demand for ``member``, else a random one."""
    demanded = context.forced_id(member)
    if demanded is None:
        return new_hex_id(f"{kind.prefix}-")
    if not kind.matches(demanded):
        raise InvalidParameterValue(f"The id '{demanded}' that was asked for does not begin with {kind.prefix}-")
    if rows_of(model, context).filter(resource_id=demanded).exists():
        raise InvalidParameterValue(f"The id '{demanded}' that was asked for is already in use")
    return demanded


def required(request: Any, member: str) -> Any:
    """A member that the model calls optional and EC2 demands here. Raises MissingParameter."""
    value = request.get(member)
    if value in (None, "", []):
        name = member[0].lower() + member[1:]
        raise MissingParameter(f"The request must contain the parameter {name}")
    return value


def hold(rows: Iterable[Model]) -> None:
    """Keep rows from being deleted until the transaction ends, without keeping others from doing the same."""
    held = sorted(rows, key=lambda row: (row._meta.db_table, row.pk))
    if not held:
        return
    locks = ", ".join(
        f'held_{place} AS (SELECT 1 FROM "{row._meta.db_table}" WHERE id = %s FOR KEY SHARE)'
        for place, row in enumerate(held)
    )
    counts = ", ".join(f"(SELECT count(*) FROM held_{place})" for place in range(len(held)))
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {locks} SELECT {counts}", [row.pk for row in held])
        found = cursor.fetchone()
    for row, is_there in zip(held, found, strict=True):
        if not is_there:
            assert isinstance(row, Ec2Resource)
            raise missing(row.kind, [row.resource_id])


def take_name(name: str) -> bool:
    """Reserve a name for this transaction unless another one has it; never waits, so that nobody can deadlock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        taken: bool = cursor.fetchone()[0]
        return taken


def _row_of(model: type[Resource], context: Context, resource_id: str) -> "QuerySet[Resource]":
    if not model.kind.matches(resource_id):
        raise malformed(model.kind, resource_id)
    return rows_of(model, context).filter(resource_id=resource_id)


def _the_one(rows: "QuerySet[Resource]", resource_id: str) -> Resource:
    row = rows.first()
    if row is None:
        raise missing(rows.model.kind, [resource_id])
    return row
