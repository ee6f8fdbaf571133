"""An account's whole state: deleted, copied out and put back, in one transaction each.

A copy is the rows of every table (account_rows.py) as JSON lines, compressed. Restored rows get numbers that nobody has
or had, by adding the same offset to all numbers of the copy. Containers are not part of it: the reconcilers make them
again from the rows, and collect those whose rows are gone.
"""

import gzip
import json
from collections.abc import Iterator
from typing import IO, Any

from django.db import DatabaseError, connection, transaction

from aws_api.core.account_rows import OwnedTable, owned_tables
from aws_api.core.caching import forget_everything
from aws_api.core.encryption import key_fingerprint
from aws_api.core.errors import ValidationException

FORMAT = 1
#: Rows of one line of a copy.
_ROWS_IN_A_LINE = 500
#: The longest line that is read back: more than any of ours, less than would hurt.
_MAX_LINE_BYTES = 512 * 1024 * 1024


def delete_state(account_id: str) -> int:
    """Delete all rows of an account; returns how many. Its keys stay: the account itself is not among them."""
    with transaction.atomic():
        count = _delete(account_id)
    forget_everything()
    return count


def copy_state(account_id: str, target: IO[bytes]) -> int:
    """Write all rows of an account, as one moment had them; returns how many."""
    count = 0
    with transaction.atomic(), gzip.GzipFile(fileobj=target, mode="wb", compresslevel=3, mtime=0) as lines:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        head = {
            "format": FORMAT,
            "account_id": account_id,
            "encryption_key": key_fingerprint(),
            "numbers": _numbers_of(account_id),
        }
        lines.write(json.dumps(head).encode() + b"\n")
        for table in owned_tables():
            for rows in _rows_of(table, account_id):
                count += len(rows)
                lines.write(json.dumps({"table": table.name, "rows": rows}).encode() + b"\n")
    return count


def restore_state(account_id: str, source: IO[bytes]) -> int:
    """Replace an account's state by a copy of it; returns how many rows that has.

    Raises ValidationException for what is no copy of this account, or was sealed with another instance's key.
    """
    try:
        with transaction.atomic(), gzip.GzipFile(fileobj=source, mode="rb") as lines:
            head = json.loads(lines.readline(_MAX_LINE_BYTES))
            _check(head, account_id)
            _delete(account_id)
            lowest, highest = head["numbers"]
            # Never the numbers that the rows had: what was deleted with them may wait to be cleared away.
            offset = _highest_number() + 1 - lowest
            count = sum(_insert(json.loads(line), offset) for line in _lines(lines))
            _skip_numbers(highest + offset)
    except (OSError, EOFError, ValueError, KeyError, TypeError, StopIteration, DatabaseError) as error:
        raise ValidationException(f"This is no copy of an account's state: {error}") from error
    forget_everything()
    return count


def rows_in_copy(source: IO[bytes], table: str) -> Iterator[dict[str, Any]]:
    """The rows that a copy has of one table, as its columns."""
    with gzip.GzipFile(fileobj=source, mode="rb") as lines:
        lines.readline(_MAX_LINE_BYTES)
        for text in _lines(lines):
            line = json.loads(text)
            if line["table"] == table:
                yield from map(json.loads, line["rows"])


def _check(head: Any, account_id: str) -> None:
    if head["format"] != FORMAT:
        raise ValidationException(f"The copy has format {head['format']}; this version reads {FORMAT}.")
    if head["account_id"] != account_id:
        raise ValidationException(f"The copy is of account {head['account_id']}, not of {account_id}.")
    if head["encryption_key"] != key_fingerprint():
        raise ValidationException(
            "The copy's secrets were sealed with another instance's key. Start this instance with the file "
            "encryption-key of that one's data directory to read them."
        )


def _delete(account_id: str) -> int:
    """Delete an account's rows, children before parents, and let go of what other accounts' rows point to."""
    tables = {table.name: table for table in owned_tables()}
    count = 0
    with connection.cursor() as cursor:
        for table in reversed(owned_tables()):
            for reference in table.references:
                parent = tables[reference.table]
                pointing = f"{reference.column} IN (SELECT {parent.key} FROM {parent.name} WHERE {parent.where})"
                if reference.is_kept:
                    sql = f"UPDATE {table.name} SET {reference.column} = NULL WHERE {pointing}"
                else:
                    sql = f"DELETE FROM {table.name} WHERE {pointing} AND NOT coalesce(({table.where}), false)"
                cursor.execute(sql, {"account_id": account_id})
            cursor.execute(f"DELETE FROM {table.name} WHERE {table.where}", {"account_id": account_id})
            count += cursor.rowcount
    return count


def _rows_of(table: OwnedTable, account_id: str) -> Iterator[list[str]]:
    """The table's rows of an account as JSON texts, some at a time."""
    sql = f"SELECT row_to_json(found)::text FROM {table.name} AS found WHERE {table.where}"
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, {"account_id": account_id})
        while rows := cursor.fetchmany(_ROWS_IN_A_LINE):
            yield [row[0] for row in rows]


def _lines(source: gzip.GzipFile) -> Iterator[bytes]:
    while line := source.readline(_MAX_LINE_BYTES):
        yield line


def _insert(line: Any, offset: int) -> int:
    table = next(table for table in owned_tables() if table.name == line["table"])
    values, parameters = [], []
    for column in table.columns:
        if column in table.restored_as:
            values.append("%s")
            parameters.append(table.restored_as[column])
        else:
            values.append(f"{column} + {offset:d}" if column in table.numbers else column)
    sql = (
        f"INSERT INTO {table.name} ({', '.join(table.columns)}) SELECT {', '.join(values)} "
        f"FROM jsonb_populate_recordset(NULL::{table.name}, %s::jsonb)"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [*parameters, f"[{','.join(line['rows'])}]"])
    return len(line["rows"])


def _numbers_of(account_id: str) -> tuple[int, int]:
    """The lowest and the highest number that an account's rows have or refer to; 1 and 1 where there are none."""
    lowest, highest = [], []
    with connection.cursor() as cursor:
        for table in owned_tables():
            if not table.numbers:
                continue
            least, greatest = (
                ", ".join(f"{function}({column})" for column in sorted(table.numbers)) for function in ("min", "max")
            )
            sql = f"SELECT least({least}), greatest({greatest}) FROM {table.name} WHERE {table.where}"
            cursor.execute(sql, {"account_id": account_id})
            low, high = cursor.fetchone()
            if low is not None:
                lowest.append(low)
                highest.append(high)
    return min(lowest, default=1), max(highest, default=1)


def _highest_number() -> int:
    """No row of any table has a higher number."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(last_value), 0) FROM pg_sequences WHERE schemaname = current_schema()")
        return int(cursor.fetchone()[0])


def _skip_numbers(highest: int) -> None:
    """Let new rows have higher numbers than any restored one."""
    with connection.cursor() as cursor:
        for table in owned_tables():
            if table.key in table.numbers:
                cursor.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s)", [table.name, table.key, highest])
