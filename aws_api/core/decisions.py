"""What was decided about permissions while a request was handled: kept with its record, so that people learn why.

Whoever handles a request gathers; whoever decides notes. Both may be in different threads: the gathered list travels
in the context variable.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

#: A request needs few permissions; a batch on hundreds of resources is cut.
MAX_KEPT = 50


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


def note_decision(decision: AccessDecision) -> bool:
    """Keep a decision with the request that is being handled. False where none is: nobody gathers."""
    decisions = _gathered.get()
    if decisions is None:
        return False
    if len(decisions) < MAX_KEPT:
        decisions.append(decision)
    return True
