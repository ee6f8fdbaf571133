"""How images came to the engine, for those who explain it: a port that the workers implement."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class PullReport:
    """An image's last way to the engine. ``layers`` maps each to ``{status, done, total}``, sizes in bytes."""

    image: str
    status: str
    digest: str
    reason: str
    started_at: datetime
    finished_at: datetime | None
    layers: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


#: The bus's topic of pulls under way: ``{image, status, layers, reason}``.
PULLS_TOPIC = "pulls"

PullReader = Callable[[Sequence[str]], Mapping[str, PullReport]]

_reader: PullReader | None = None


def register_pull_reader(reader: PullReader) -> None:
    """Set who knows; called when the workers' app is ready."""
    global _reader  # noqa: PLW0603
    _reader = reader


def pull_reports(images: Sequence[str]) -> Mapping[str, PullReport]:
    """The last pulls of images; one that was there already has none."""
    return _reader(images) if _reader else {}
