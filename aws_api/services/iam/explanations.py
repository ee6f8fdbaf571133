"""Why a call was allowed or denied: the decisions kept with its request, and the statement that would have helped."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from aws_api.core import bus
from aws_api.services.iam.authorizer import KEPT_DECISIONS, STREAM
from aws_api.services.iam.evaluation import Effect


async def decisions_without_request(request_id: str) -> Sequence[Mapping[str, Any]]:
    """Denials of calls that no client made: a worker's for a task, by the id in the error's text."""
    found = [orjson.loads(record) for record in await bus.latest_async(STREAM, KEPT_DECISIONS)]
    return [decision for decision in found if decision["id"] == request_id]


def explain(decisions: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Each decision with ``missing``: the statement that would allow it, where none did."""
    return [
        {
            "principal": decision["principal"],
            "action": decision["action"],
            "resource": decision["resource"],
            "effect": decision["effect"],
            "reason": decision["reason"],
            "policy": decision["policy"],
            "statement": decision["statement"],
            "missing": _missing(decision) if decision["effect"] == Effect.IMPLICIT_DENY else None,
        }
        for decision in decisions
    ]


def _missing(decision: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"Effect": "Allow", "Action": decision["action"], "Resource": decision["resource"]}
