"""Seeds of accounts: with one, the same calls in the same order make the same ids, again and again.

Each call of a client that may make something takes the next number of its account; its ids are hashes of the seed, the
account and that number. Calls that only read take none, so that waiting and looking change nothing. Ids that workers
make (the tasks of a service) stay random: their order is not the client's.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from aws_api.core import database
from aws_api.core.caching import MetadataCache
from aws_api.core.ids import IdSequence, id_sequence
from aws_api.core.models import Account

MAX_SEED = 64
#: How the names of operations begin that make nothing a test would compare.
_READING = (
    "BatchCheck",
    "BatchGet",
    "Check",
    "Describe",
    "Discover",
    "Filter",
    "Get",
    "Head",
    "List",
    "Lookup",
    "Poll",
    "Query",
    "Receive",
    "Scan",
    "Search",
    "Simulate",
    "Test",
)


async def _load(account_id: str) -> str:
    """The seed of an account; empty where it has none, which is kept like any other."""
    row = await database.fetch_row("SELECT id_seed FROM core_account WHERE account_id = $1", account_id)
    return row["id_seed"] if row else ""


_seeds: MetadataCache[str, str] = MetadataCache("account-seeds", _load)


def makes_something(operation_name: str) -> bool:
    """Whether calls of an operation, by their name, make, change or delete something."""
    return not operation_name.startswith(_READING)


async def next_sequence(account_id: str, operation_name: str) -> IdSequence | None:
    """The sequence of a client's call; None where the account has no seed, or the call makes nothing."""
    if not makes_something(operation_name) or not await _seeds.get(account_id):
        return None
    row = await database.fetch_row(
        "UPDATE core_account SET id_calls = id_calls + 1 WHERE account_id = $1 RETURNING id_seed, id_calls", account_id
    )
    if row is None or not row["id_seed"]:
        return None
    return IdSequence(f"{row['id_seed']}\0{account_id}", str(row["id_calls"]))


@contextmanager
def ids_of(account_id: str, what: str) -> Iterator[None]:
    """In the block are made the ids of what an account has unasked: the same ones, whichever call comes first."""
    seed = Account.objects.filter(account_id=account_id).values_list("id_seed", flat=True).first()
    token = id_sequence.set(IdSequence(f"{seed}\0{account_id}", what) if seed else None)
    try:
        yield
    finally:
        id_sequence.reset(token)


async def seed_of(account_id: str) -> str:
    """An account's seed; empty where it has none."""
    return await _seeds.get(account_id) or ""


def set_seed(account_id: str, seed: str) -> None:
    """Begin an account's ids anew, from a seed; empty: random ones. Calls under way may still make ids as before."""
    Account.objects.filter(account_id=account_id).update(id_seed=seed, id_calls=0)
    _seeds.invalidate(account_id)


def begin_again(account_id: str) -> None:
    """Let an account's ids be those that it had first: it has nothing of them any more."""
    Account.objects.filter(account_id=account_id).update(id_calls=0)
