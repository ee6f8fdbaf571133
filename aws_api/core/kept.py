"""Structures of answers that a service keeps, because they are asked for again and again while nothing changes."""

from typing import Any


class KeptStructure(dict[str, Any]):
    """A structure that nobody changes any more; ``written`` is what the wire format made of it the first time.

    It is answered as one shape of its service alone, in the service's one JSON protocol.
    """

    __slots__ = ("written",)

    written: Any

    def __init__(self, members: dict[str, Any]) -> None:
        super().__init__(members)
        self.written = None
