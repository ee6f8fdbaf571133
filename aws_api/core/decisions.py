"""What was decided about permissions while a request was handled: kept with its record, so that people learn why.

Whoever handles a request gathers; whoever decides notes. Both may be in different threads: the gathered list travels
in the context variable. What nobody gathers, a worker's calls for a task, goes into a list of its own.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from aws_api.core import bus
from aws_api.core.context import Context

#: A request needs few permissions; a batch on hundreds of resources is cut.
MAX_KEPT = 50
#: Of the decisions of calls that are nobody's request, the latest ones.
KEPT_WITHOUT_REQUEST = 1000
_LIST = "decisions"


@dataclass(frozen=True, kw_only=True)
class AccessDecision:
    """One permission that a call needed and whether it was there.

    ``effect`` is allowed, explicitDeny or implicitDeny; ``reason`` says why in AWS's words; ``policy`` and
    ``statement`` name what decided, where something did.
    """

    principal: str
    action: str
    resource: str
    effect: str
    reason: str
    policy: str = ""
    statement: str = ""


_gathered: ContextVar[list[AccessDecision] | None] = ContextVar("access_decisions", default=None)


@contextmanager
def gathering_decisions() -> Iterator[list[AccessDecision]]:
    """A list that receives the decisions made while the block runs, in it and in what it starts."""
    decisions: list[AccessDecision] = []
    token = _gathered.set(decisions)
    try:
        yield decisions
    finally:
        _gathered.reset(token)


async def note_decision(context: Context, decision: AccessDecision) -> None:
    """Keep a decision with the request that is being handled, or by the call's id where none is."""
    decisions = _gathered.get()
    if decisions is None:
        record = {"id": context.request_id, "started": context.clock.now().isoformat(), **asdict(decision)}
        await bus.append_async(_LIST, [orjson.dumps(record)], keep=KEPT_WITHOUT_REQUEST)
    elif len(decisions) < MAX_KEPT:
        decisions.append(decision)


async def decisions_without_request() -> list[Mapping[str, Any]]:
    """The latest decisions of calls that no client made, newest first; besides their members ``id`` and ``started``."""
    return [orjson.loads(record) for record in await bus.latest_async(_LIST, KEPT_WITHOUT_REQUEST)]


def explained(decision: Mapping[str, Any]) -> Mapping[str, Any]:
    """A kept decision as people read it, with ``missing``: the statement that would allow, where merely none did."""
    is_missing = decision["effect"] == "implicitDeny"
    told = {name: decision[name] for name in _TOLD}
    missing = {"Effect": "Allow", "Action": decision["action"], "Resource": decision["resource"]}
    return {**told, "missing": missing if is_missing else None}


_TOLD = ("principal", "action", "resource", "effect", "reason", "policy", "statement")
