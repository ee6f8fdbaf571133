"""Tags between AWS's two shapes: a list of pairs (``Key``/``Value``, ``key``/``value``) and a mapping."""

from collections.abc import Iterable, Mapping
from typing import Any


def tags_from_list(pairs: Iterable[Mapping[str, Any]] | None) -> dict[str, str]:
    """``[{"Key": "a", "Value": "b"}]``, in either case of the members, to ``{"a": "b"}``; the last of a key wins."""
    return {
        str(pair.get("Key", pair.get("key", ""))): str(pair.get("Value", pair.get("value")) or "")
        for pair in pairs or ()
    }


def tags_to_list(tags: Mapping[str, str], *, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """The mapping as AWS's list, by key."""
    return [{key: name, value: tags[name]} for name in sorted(tags)]
