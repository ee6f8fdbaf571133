"""Faults: rules that make AWS calls and tasks of an account fail on purpose, each with a scope, a chance and an end.

The gateway asks for the rules of calls on every request, from its memory; what keeps tasks true asks the rows, so that
a restart of ours keeps them. A rule decides anew for each call that it matches, and once for each task. With a seed of
the account (aws_api/core/seeds.py) the same rule decides the same of the first, the second, ... call, and of a task.
"""

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

import orjson
from django.db import transaction
from django.db.models import F, QuerySet

from aws_api.core import bus, database
from aws_api.core.caching import MetadataCache
from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.ids import new_hex_id
from aws_api.core.models import Account, Fault, FaultHit
from aws_api.core.seeds import seed_of

#: Faults that an account has at once.
MAX_FAULTS = 200
#: Of what faults that are over have hit, so much is undone at once.
MAX_ENDED = 1000
DEFAULT_LIFETIME_S = 3600.0
MAX_LIFETIME_S = 7 * 86400.0
#: How long the row of a fault that is over is kept.
KEPT_AFTER_END = timedelta(minutes=10)
#: Told when faults are made, removed, or hit something: the account's id.
TOPIC = "faults"


class EffectType(StrEnum):
    """What a fault does."""

    # To AWS calls.
    ERROR = "error"
    THROTTLE = "throttle"
    TIMEOUT = "timeout"
    LATENCY = "latency"
    # To tasks.
    KILL = "kill"
    OUT_OF_MEMORY = "out-of-memory"
    PULL_FAILURE = "pull-failure"
    PULL_DELAY = "pull-delay"
    UNHEALTHY = "unhealthy"
    NETWORK_CUT = "network-cut"
    NETWORK_LATENCY = "network-latency"
    NETWORK_PACKET_LOSS = "network-packet-loss"
    SPOT_INTERRUPTION = "spot-interruption"
    AVAILABILITY_ZONE_LOSS = "availability-zone-loss"
    CONTAINER_INSTANCE_LOSS = "container-instance-loss"


CALL_EFFECTS = frozenset({EffectType.ERROR, EffectType.THROTTLE, EffectType.TIMEOUT, EffectType.LATENCY})
TASK_EFFECTS = frozenset(EffectType) - CALL_EFFECTS


class TooManyFaults(Exception):
    """The account has as many faults as an account may have."""


@dataclass(frozen=True, kw_only=True)
class FaultRule:
    """A fault as those who carry it out know it. An empty ``region`` is any; ``times`` None: as often as it matches."""

    fault_id: str
    account_id: str
    region: str
    effect_type: str
    scope: Mapping[str, str]
    effect: Mapping[str, Any]
    probability: float
    times: int | None
    created_at: datetime
    expires_at: datetime

    def matches(self, region: str, **subject: str) -> bool:
        """Whether something is in the scope, by the members that are asked about. Those may have ``*`` in them."""
        if self.region and self.region != region:
            return False
        return all(_is_named(value, wanted) for member, value in subject.items() if (wanted := self.scope.get(member)))

    def chance(self, seed: str, what: str) -> float:
        """A number from 0 to 1 for a call or a task: by the seed, or by chance where the account has none."""
        if not seed:
            return random.random()
        return self.share(seed, what)

    def share(self, seed: str, what: str) -> float:
        """The same, and the same again whenever it is asked: without a seed by the fault's id."""
        rule = orjson.dumps([self.effect_type, self.scope, self.effect], option=orjson.OPT_SORT_KEYS)
        text = b"\0".join([(seed or self.fault_id).encode(), self.account_id.encode(), rule, what.encode()])
        return int.from_bytes(hashlib.sha256(text).digest()[:7]) / (1 << 56)


def _is_named(name: str, wanted: str) -> bool:
    """Whether a name is wanted, which may be told by its ARN."""
    return fnmatchcase(name, wanted.rpartition("/")[2] if wanted.startswith("arn:") else wanted)


# Those of AWS calls ---------------------------------------------------------------------------------------------------


_COLUMNS = "fault_id, account_id, region, effect_type, scope, effect, probability, times, created_at, expires_at"


async def _load(account_id: str) -> tuple[FaultRule, ...]:
    rows = await database.fetch(
        f"SELECT {_COLUMNS} FROM core_fault WHERE account_id = $1 AND effect_type = ANY($2::text[]) AND expires_at > $3"
        " AND (times IS NULL OR hits < times) ORDER BY id",
        account_id,
        sorted(CALL_EFFECTS),
        SYSTEM_CLOCK.now(),
    )
    return tuple(FaultRule(**dict(row)) for row in rows)


#: An account without faults is kept like any other: asking costs one look into a dictionary.
_of_calls: MetadataCache[str, tuple[FaultRule, ...]] = MetadataCache("faults", _load)


async def call_faults(account_id: str) -> Sequence[FaultRule]:
    """The rules for an account's AWS calls; some may have expired since they were read."""
    return await _of_calls.get(account_id) or ()


async def claim_call(rule: FaultRule) -> int:
    """Count a call that a rule matches, and say the how manieth it hits; 0 where it does not."""
    row = await database.fetch_row(
        "UPDATE core_fault SET seen = seen + 1 WHERE fault_id = $1 AND (times IS NULL OR hits < times) RETURNING seen",
        rule.fault_id,
    )
    if row is None:
        return 0
    if rule.probability < 1:
        seed = await seed_of(rule.account_id)
        if rule.chance(seed, str(row["seen"])) >= rule.probability:
            return 0
    hit = await database.fetch_row(
        "UPDATE core_fault SET hits = hits + 1 WHERE fault_id = $1 AND (times IS NULL OR hits < times) RETURNING hits",
        rule.fault_id,
    )
    if hit is None:
        return 0
    if hit["hits"] == rule.times:
        await _of_calls.invalidate_async(rule.account_id)
    await bus.publish_async((TOPIC, rule.account_id.encode()))
    return int(hit["hits"])


# Those of tasks -------------------------------------------------------------------------------------------------------


def task_faults(account_id: str, *effect_types: EffectType) -> list[FaultRule]:
    """The rules in force for an account's tasks, those of some effects alone."""
    rows = in_force(SYSTEM_CLOCK.now()).filter(account_id=account_id, effect_type__in=effect_types or TASK_EFFECTS)
    return [rule_of(row) for row in rows.order_by("pk")[:MAX_FAULTS]]


def in_force(now: datetime) -> "QuerySet[Fault]":
    """Faults that have not expired."""
    return Fault.objects.filter(expires_at__gt=now)


def is_in_force(fault_id: str) -> bool:
    """Whether a fault is still there."""
    return in_force(SYSTEM_CLOCK.now()).filter(fault_id=fault_id).exists()


def is_chosen(rule: FaultRule, subject: str) -> bool:
    """Whether a task is one of those that a rule with a chance hits: the same answer each time."""
    return rule.probability >= 1 or rule.share(seed_of_account(rule.account_id), subject) < rule.probability


def seed_of_account(account_id: str) -> str:
    """An account's seed, for plain code; empty where it has none."""
    return Account.objects.filter(account_id=account_id).values_list("id_seed", flat=True).first() or ""


def was_hit(rule: FaultRule, subject: str) -> bool:
    """Whether something was hit by a fault."""
    return FaultHit.objects.filter(fault__fault_id=rule.fault_id, subject=subject).exists()


def hits_of_ended(now: datetime, *effect_types: EffectType) -> list[str]:
    """What was hit by faults that are over, not long ago."""
    rows = FaultHit.objects.filter(fault__expires_at__lte=now, fault__effect_type__in=effect_types)
    return list(rows.values_list("subject", flat=True).distinct()[:MAX_ENDED])


def accounts_with_task_faults(now: datetime) -> list[str]:
    """The accounts whose tasks some fault is about."""
    rows = in_force(now).filter(effect_type__in=TASK_EFFECTS)
    return list(rows.order_by("account_id").values_list("account_id", flat=True).distinct())


def claim(rule: FaultRule, subject: str) -> bool:
    """Note that a fault hits something, which it does once; False where it did, or has hit often enough."""
    with transaction.atomic():
        row = Fault.objects.select_for_update().filter(fault_id=rule.fault_id).first()
        if row is None or (row.times is not None and row.hits >= row.times):
            return False
        _, is_new = FaultHit.objects.get_or_create(fault=row, subject=subject, defaults={"at": SYSTEM_CLOCK.now()})
        if is_new:
            Fault.objects.filter(pk=row.pk).update(seen=F("seen") + 1, hits=F("hits") + 1)
            transaction.on_commit(partial(bus.publish, TOPIC, rule.account_id.encode()))
    return is_new


def note_failure(fault_ids: Sequence[str], reason: str) -> None:
    """Say what kept faults from doing what they say; nothing where it works now."""
    Fault.objects.filter(fault_id__in=fault_ids).exclude(last_failure=reason).update(last_failure=reason)


# Making and removing --------------------------------------------------------------------------------------------------

Listener = Callable[[FaultRule], None]
_listeners: list[Listener] = []


def follow_faults(listener: Listener) -> Listener:
    """Call a function when a fault of tasks was made or removed. Usable as a decorator."""
    _listeners.append(listener)
    return listener


def make_fault(
    *,
    account_id: str,
    region: str,
    effect_type: EffectType,
    scope: Mapping[str, str],
    effect: Mapping[str, Any],
    probability: float = 1,
    times: int | None = None,
    lifetime_s: float = DEFAULT_LIFETIME_S,
) -> Fault:
    """Make a fault; it is in force in every process when this returns. Raises TooManyFaults."""
    now = SYSTEM_CLOCK.now()
    with transaction.atomic():
        if in_force(now).filter(account_id=account_id).count() >= MAX_FAULTS:
            raise TooManyFaults(f"The account {account_id} has {MAX_FAULTS} faults, as many as an account may have.")
        row = Fault.objects.create(
            fault_id=new_hex_id("fault-"),
            account_id=account_id,
            region=region,
            effect_type=effect_type,
            scope=dict(scope),
            effect=dict(effect),
            probability=probability,
            times=times,
            created_at=now,
            expires_at=now + timedelta(seconds=lifetime_s),
        )
    _tell(rule_of(row))
    return row


def remove_faults(rows: "QuerySet[Fault]") -> int:
    """Remove faults; none of them hits anything any more when this returns. Says how many there were.

    Their rows are kept for a while: whoever still has to undo what one did finds it by them.
    """
    rules = [rule_of(row) for row in rows]
    Fault.objects.filter(fault_id__in=[rule.fault_id for rule in rules]).update(expires_at=SYSTEM_CLOCK.now())
    for rule in rules:
        _tell(rule)
    return len(rules)


def collect_faults(now: datetime) -> None:
    """Forget those that have been over for long enough."""
    Fault.objects.filter(expires_at__lt=now - KEPT_AFTER_END).delete()


def rule_of(row: Fault) -> FaultRule:
    """A fault's rule."""
    return FaultRule(
        fault_id=row.fault_id,
        account_id=row.account_id,
        region=row.region,
        effect_type=row.effect_type,
        scope=row.scope,
        effect=row.effect,
        probability=row.probability,
        times=row.times,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


def _tell(rule: FaultRule) -> None:
    if rule.effect_type in CALL_EFFECTS:
        _of_calls.invalidate(rule.account_id)
    else:
        for listener in _listeners:
            listener(rule)
    bus.publish(TOPIC, rule.account_id.encode())
