"""Which rows of the database are an account's: found from the models, so that a new service needs to say little.

A row belongs to an account by its ``account_id``, by its parent (a foreign key that is never null), or by what its
model declares in ``account_rows``: tables too busy for foreign keys refer to their parents by plain numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from graphlib import TopologicalSorter
from typing import Any

from django.apps import apps
from django.db import models

ACCOUNT_ID = "%(account_id)s"


@dataclass(frozen=True, kw_only=True)
class AccountRows:
    """What a model declares as ``account_rows: ClassVar``, where its columns do not tell.

    ``where`` is an SQL condition that holds for an account's rows (``%(account_id)s``). ``numbers`` are columns that
    hold the number of a row elsewhere without being foreign keys. ``restored_as`` are columns that a restored row does
    not take from its copy: what was true of the engine then is not true now.
    """

    where: str = ""
    numbers: tuple[str, ...] = ()
    restored_as: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A foreign key of a table to one that accounts own; ``is_kept`` where the row survives what it points to."""

    column: str
    table: str
    is_kept: bool


@dataclass(frozen=True, kw_only=True)
class OwnedTable:
    """A table with rows of accounts. ``numbers`` are its columns that count rows: its key and references to others."""

    name: str
    columns: tuple[str, ...]
    where: str
    numbers: frozenset[str]
    references: tuple[Reference, ...]
    restored_as: Mapping[str, Any]
    key: str


@cache
def owned_tables() -> tuple[OwnedTable, ...]:
    """Every table with rows of accounts, parents before their children."""
    owned: dict[type[models.Model], str] = {}
    candidates = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    found = True
    while found:  # until no model is the child of one that is owned
        found = False
        for model in candidates:
            if model not in owned and (where := _condition(model, owned)):
                owned[model] = where
                found = True
    order = TopologicalSorter({model: _parents(model) & owned.keys() - {model} for model in owned})
    return tuple(_table(model, owned) for model in order.static_order())


def _condition(model: type[models.Model], owned: Mapping[type[models.Model], str]) -> str:
    """An SQL condition for an account's rows of a model; empty where it has none, as far as is known yet."""
    declared = _declared(model).where
    if declared:
        return declared
    if model._meta.label == "core.Account":
        return ""
    columns = {column.column for column in model._meta.concrete_fields}
    if "account_id" in columns:
        return f"account_id = {ACCOUNT_ID}"
    for key in _foreign_keys(model):
        parent = key.related_model
        if not key.null and parent in owned:
            inner = f"SELECT {parent._meta.pk.column} FROM {parent._meta.db_table} WHERE {owned[parent]}"
            return f"{key.column} IN ({inner})"
    return ""


def _table(model: type[models.Model], owned: Mapping[type[models.Model], str]) -> OwnedTable:
    declared = _declared(model)
    references = tuple(
        Reference(
            column=key.column,
            table=key.related_model._meta.db_table,
            is_kept=key.remote_field.on_delete is models.SET_NULL,
        )
        for key in _foreign_keys(model)
        if key.related_model in owned
    )
    key = model._meta.pk
    counted: set[str] = {str(key.column)} if isinstance(key, models.BigAutoField) else set()
    counted |= {
        reference.column
        for reference, foreign in zip(
            references, (key for key in _foreign_keys(model) if key.related_model in owned), strict=True
        )
        if isinstance(foreign.related_model._meta.pk, models.BigAutoField)
    }
    return OwnedTable(
        name=model._meta.db_table,
        columns=tuple(column.column for column in model._meta.concrete_fields if column.column),
        where=owned[model],
        numbers=frozenset(counted | set(declared.numbers)),
        references=references,
        restored_as=declared.restored_as,
        key=key.column or "",
    )


def _declared(model: type[models.Model]) -> AccountRows:
    declared = getattr(model, "account_rows", None)
    assert declared is None or isinstance(declared, AccountRows)
    return declared or AccountRows()


def _foreign_keys(model: type[models.Model]) -> list[Any]:
    return [found for found in model._meta.concrete_fields if isinstance(found, models.ForeignKey)]


def _parents(model: type[models.Model]) -> set[type[models.Model]]:
    return {key.related_model for key in _foreign_keys(model)}
