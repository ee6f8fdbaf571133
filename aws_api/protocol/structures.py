"""Structures compiled once each, also those that hold themselves."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

from botocore.model import StructureShape

Compiled = TypeVar("Compiled", bound=Callable[..., Any])


class CompiledStructures(Generic[Compiled]):
    """What is compiled of a service's structures, by name."""

    def __init__(self) -> None:
        self._compiled: dict[str, Compiled] = {}
        self._building: set[str] = set()

    def get(self, shape: StructureShape, build: Callable[[StructureShape], Compiled]) -> Compiled:
        """The structure compiled by ``build``, or, while it is being built, what looks it up when called."""
        name = shape.name
        compiled = self._compiled.get(name)
        if compiled is not None:
            return compiled
        if name in self._building:

            def call_later(*arguments: Any) -> Any:
                return self._compiled[name](*arguments)

            return cast(Compiled, call_later)
        self._building.add(name)
        try:
            compiled = build(shape)
        finally:
            self._building.discard(name)
        self._compiled[name] = compiled
        return compiled
