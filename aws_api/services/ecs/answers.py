"""What the endpoints of ECS's agent answer."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An HTTP answer of JSON."""

    status: int
    body: Any
