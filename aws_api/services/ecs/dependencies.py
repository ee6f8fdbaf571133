"""The order among a task's containers. Pure."""

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter


def find_cycle(edges: Mapping[str, Iterable[str]]) -> list[str] | None:
    """A cycle among ``name -> names it needs``, or None."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]
        return cycle
    return None


def start_order(edges: Mapping[str, Iterable[str]]) -> list[str]:
    """Names so that each comes after all it needs; otherwise in the given order."""
    order: list[str] = []
    placed: set[str] = set()

    def place(name: str) -> None:
        if name not in placed:
            placed.add(name)
            for needed in edges[name]:
                place(needed)
            order.append(name)

    for name in edges:
        place(name)
    return order
