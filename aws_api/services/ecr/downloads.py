"""Tickets: URLs that carry the permission to read one blob of one repository for a while."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aws_api.core.sealing import BrokenSeal, seal, unseal
from aws_api.services.ecr.models import Layer

LIFETIME = timedelta(hours=1)
#: No repository's name begins with an underscore.
PATH = "/v2/_layers/"
_PURPOSE = "ecr layer download"


@dataclass(frozen=True, kw_only=True)
class Ticket:
    repository_id: int
    digest: str


def download_path(layer: Layer, now: datetime) -> str:
    """The path below the endpoint by which anybody may read the layer for an hour."""
    claim = [layer.repository_id, layer.digest, int((now + LIFETIME).timestamp())]
    return PATH + seal(_PURPOSE, claim)


def read_ticket(text: str, now: datetime) -> Ticket | None:
    """What a ticket permits, or None where it is not ours or its time is over."""
    try:
        repository_id, digest, expires = unseal(_PURPOSE, text)
    except BrokenSeal:
        return None
    if now >= datetime.fromtimestamp(expires, UTC):
        return None
    return Ticket(repository_id=repository_id, digest=digest)
