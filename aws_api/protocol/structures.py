"""Structures compiled once each, also those that hold themselves, whichever threads ask."""

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

from botocore.model import StructureShape

Compiled = TypeVar("Compiled", bound=Callable[..., Any])

_lock = threading.RLock()


class CompiledStructures(Generic[Compiled]):
    """What is compiled of a service's structures, by name."""

    def __init__(self) -> None:
        self._compiled: dict[str, Compiled] = {}
        self._building: set[str] = set()

    def get(self, shape: StructureShape, build: Callable[[StructureShape], Compiled]) -> Compiled:
        """The structure compiled by ``build``, or, while it is being built, what looks it up when called."""
        compiled = self._compiled.get(shape.name)
        if compiled is not None:
            return compiled
        with _lock:
            compiled = self._compiled.get(shape.name)
            if compiled is not None:
                return compiled
            if shape.name in self._building:
                return self._later(shape.name)
            self._building.add(shape.name)
            try:
                compiled = build(shape)
            finally:
                self._building.discard(shape.name)
            self._compiled[shape.name] = compiled
            return compiled

    def _later(self, name: str) -> Compiled:
        def call(*arguments: Any) -> Any:
            compiled = self._compiled.get(name)
            if compiled is None:
                # Another thread still builds it, and holds the lock until it is there.
                with _lock:
                    compiled = self._compiled[name]
            return compiled(*arguments)

        return cast(Compiled, call)
