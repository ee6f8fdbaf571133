"""Where code runs: one bounded thread executor for plain operations, one event loop for async ones.

Outside Django's own handler ``database_sync_to_async`` would run every call in one thread; this executor is as large
as the database pool instead.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, ParamSpec, TypeVar

from django.db import connections, transaction

P = ParamSpec("P")
T = TypeVar("T")

#: As many as settings.DATABASES lets connections be.
MAX_THREADS = 24
#: Longest that a thread waits for an async operation: the longest long poll and some.
MAX_WAIT_S = 120

_executor = ThreadPoolExecutor(max_workers=MAX_THREADS, thread_name_prefix="operation")
_loop: asyncio.AbstractEventLoop | None = None
_loop_lock = threading.Lock()


async def run_in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a plain function in the bounded executor, inside a transaction, with a connection from the pool."""
    run = partial(copy_context().run, partial(_in_transaction, function, *args, **kwargs))
    return await asyncio.get_running_loop().run_in_executor(_executor, run)


def run_on_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine from plain code and wait for it. Raises RuntimeError on the event loop's own thread."""
    loop = process_loop()
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        running = None
    if running is loop:
        coroutine.close()
        raise RuntimeError("plain code on the event loop cannot wait for it")
    return asyncio.run_coroutine_threadsafe(coroutine, loop).result(timeout=MAX_WAIT_S)


def adopt_running_loop() -> None:
    """Make the running event loop the process's one; called by the gateway at start-up."""
    global _loop  # noqa: PLW0603 - a process has one
    _loop = asyncio.get_running_loop()


def process_loop() -> asyncio.AbstractEventLoop:
    """The process's event loop: the gateway's own, elsewhere one in a background thread, made on first use."""
    global _loop  # noqa: PLW0603
    with _loop_lock:
        if _loop is None or _loop.is_closed():
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="event-loop", daemon=True).start()
        return _loop


def _in_transaction(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        with transaction.atomic():
            return function(*args, **kwargs)
    except StopIteration as surprise:
        # No future takes one: whoever waits would wait for ever.
        raise RuntimeError(f"{function} raised StopIteration") from surprise
    finally:
        connections.close_all()  # back into the pool
