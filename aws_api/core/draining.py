"""Ending well: whoever waits is answered before the process stops, so that no client sees a broken call."""

from collections.abc import Callable

_listeners: list[Callable[[], None]] = []


def on_drain(listener: Callable[[], None]) -> None:
    """Call ``listener()`` on the event loop when the process is about to stop serving."""
    _listeners.append(listener)


def drain() -> None:
    """Let go of whoever waits; called once by the server, before it closes its connections."""
    for listener in _listeners:
        listener()
