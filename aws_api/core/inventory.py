"""The port through which people see what an instance has on the engine; workers implement it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from aws_api.core.containers import RuntimeUnreachable


@dataclass(frozen=True, kw_only=True)
class EngineContainer:
    """A container as the engine lists it: ``state`` is its word (running), ``status`` its sentence (Up 3 minutes)."""

    id: str
    name: str
    image: str
    state: str
    status: str
    created: datetime
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: Sequence[Mapping[str, object]] = ()


@dataclass(frozen=True, kw_only=True)
class EngineNetwork:
    """A network as the engine lists it."""

    id: str
    name: str
    driver: str
    scope: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """What the instance has on the engine, by name."""

    containers: Sequence[EngineContainer]
    networks: Sequence[EngineNetwork]
    images: int
    volumes: int


TakeInventory = Callable[[], Inventory]

_take: TakeInventory | None = None


def register_inventory(take: TakeInventory | None) -> None:
    """Say how it is taken; called when the workers' app is ready."""
    global _take  # noqa: PLW0603 - a process has one engine
    _take = take


def take_inventory() -> Inventory:
    """What is there now. Raises RuntimeUnreachable where there is no engine, RuntimeFailure where it refuses."""
    if _take is None:
        raise RuntimeUnreachable("No container engine offers an inventory.")
    return _take()
