"""Route 53's pages: MaxItems is text, at most a hundred (of record sets three hundred)."""

from collections.abc import Mapping
from typing import Any

from aws_api.services.route53.shapes import InvalidInput

MAX_ITEMS = 100


def max_items(request: Mapping[str, Any], most: int = MAX_ITEMS) -> int:
    """How many a page may have. Raises InvalidInput."""
    text = str(request.get("MaxItems") or most)
    if not text.isdigit() or int(text) < 1:
        raise InvalidInput(f"The value of MaxItems is not a positive integer: {text}")
    return min(int(text), most)
