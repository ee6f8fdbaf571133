"""Choosing among the requests that the gateway remembers, and counting them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Record = Mapping[str, Any]
GROUP_BY = ("service", "operation", "status")


@dataclass(frozen=True, kw_only=True)
class RequestFilter:
    """What is wanted; empty members want anything. ``status`` is a number, or a class of them: ``4xx``."""

    service: str = ""
    operation: str = ""
    account_id: str = ""
    region: str = ""
    status: str = ""
    principal: str = ""
    since: datetime | None = None

    def of(self, records: Iterable[Record]) -> list[Record]:
        """The records that are wanted, in their order."""
        return [record for record in records if self._wants(record)]

    def _wants(self, record: Record) -> bool:
        for name in ("service", "operation", "account_id", "region", "principal"):
            wanted = getattr(self, name)
            if wanted and record[name] != wanted:
                return False
        if self.status and not _is_status(record["status"], self.status.lower()):
            return False
        return self.since is None or datetime.fromisoformat(record["started"]) >= self.since


def count(records: Iterable[Record]) -> list[dict[str, Any]]:
    """How many there are of each service, operation and status; the most frequent first."""
    counted = Counter(tuple(record[name] for name in GROUP_BY) for record in records)
    return [{**dict(zip(GROUP_BY, group, strict=True)), "count": many} for group, many in counted.most_common()]


def _is_status(status: int | None, wanted: str) -> bool:
    if status is None:
        return wanted == "none"
    return wanted in (str(status), f"{status // 100}xx")
