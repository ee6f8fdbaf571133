"""Requests that were made."""

from dataclasses import dataclass

from aws_api.gateway.records import latest
from console.requests import RequestFilter
from console.waiting.condition import Condition, Seen


@dataclass(frozen=True, kw_only=True)
class RequestsAreMade(Condition):
    """So many requests were answered, of those that the gateway remembers."""

    wanted: RequestFilter
    count: int = 1

    def woken_by(self) -> frozenset[str]:
        return frozenset({self.wanted.service})

    async def seen(self) -> Seen:
        matching = self.wanted.of(await latest())
        why = f"{len(matching)} of {self.count} such requests were made."
        return Seen(holds=len(matching) >= self.count, why=why, found={"ids": [one["id"] for one in matching[:100]]})
