"""Why calls were allowed or denied: the decisions of one request, and the denials of an account, lately."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aws_api.core.decisions import decisions_without_request, explained

Shape = Mapping[str, Any]


async def decisions_of_call(request_id: str) -> Sequence[Shape]:
    """The decisions of a call that no client made: a worker's for a task, by the id in the error's text."""
    return [decision for decision in await decisions_without_request() if decision["id"] == request_id]


def explain(decisions: Iterable[Shape]) -> list[Shape]:
    """Each decision with ``missing``: the statement that would allow it, where none did."""
    return [explained(decision) for decision in decisions]


def denials(account_id: str, requests: Iterable[Shape], others: Iterable[Shape], limit: int) -> list[Shape]:
    """The latest refusals to an account's principals, newest first: each explained, with ``id`` and ``started``.

    ``requests`` are records of requests with their decisions, ``others`` decisions of calls that are nobody's request.
    """
    of_requests = (
        {**decision, "id": record["id"], "started": record["started"]}
        for record in requests
        for decision in record["decisions"]
    )
    refused = [
        decision
        for decision in (*of_requests, *others)
        if decision["effect"] != "allowed" and f":{account_id}:" in decision["principal"]
    ]
    refused.sort(key=lambda decision: decision["started"], reverse=True)
    return [{**explained(each), "id": each["id"], "started": each["started"]} for each in refused[:limit]]
