"""What is different between two texts, line by line, for people to read."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

#: Lines around a change that are shown, too.
CONTEXT = 3
MAX_LINES = 5000


@dataclass(frozen=True, kw_only=True)
class DiffLine:
    """``kind`` is added, removed, same or skipped; ``mark`` says it without colours."""

    kind: str
    text: str

    @property
    def mark(self) -> str:
        return {"added": "+", "removed": "-", "skipped": "⋯"}.get(self.kind, " ")


def difference(before: str, after: str) -> list[DiffLine]:
    """The lines that changed with those around them; none where nothing did."""
    old, new = before.splitlines()[:MAX_LINES], after.splitlines()[:MAX_LINES]
    groups = list(SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(CONTEXT))
    lines: list[DiffLine] = []
    for group in groups:
        if lines or group[0][1] > 0:
            lines.append(DiffLine(kind="skipped", text=""))
        for tag, *places in group:
            lines += _lines(tag, old, new, places)
    return lines


def _lines(tag: str, old: list[str], new: list[str], places: list[int]) -> Iterator[DiffLine]:
    old_start, old_end, new_start, new_end = places
    if tag == "equal":
        yield from (DiffLine(kind="same", text=text) for text in old[old_start:old_end])
        return
    yield from (DiffLine(kind="removed", text=text) for text in old[old_start:old_end])
    yield from (DiffLine(kind="added", text=text) for text in new[new_start:new_end])
