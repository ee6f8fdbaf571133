"""The wake-up bus over Valkey: small messages to whoever listens now, in every process; nothing is kept.

What must not be lost is in Postgres; a message here only says "look again". Topics are short names
(``sqs.queue.<id>``); the instance is prefixed, so that instances on one Valkey do not hear each other.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import cache
from itertools import count
from typing import Any

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from aws_api.core.execution import process_loop

#: A listener that reads slowly loses its oldest messages rather than memory.
MAX_PENDING = 1000
_RECONNECT_S = 0.5

Listener = Callable[[bytes], None]
#: Told True when a subscription (again) hears everything from now on, False when it may miss messages.
HearingListener = Callable[[bool], None]


def publish(topic: str, payload: bytes = b"") -> None:
    """Send from plain code. Losing the bus loses wake-ups, so connection errors are passed over."""
    with suppress(redis.ConnectionError, redis.TimeoutError):
        _client().publish(_channel(topic), payload)


def keep(name: str, payload: bytes) -> None:
    """Keep one message for processes that come later. Raises redis.ConnectionError where Valkey is away."""
    _client().set(_channel(f"kept.{name}"), payload)


def kept(name: str) -> bytes:
    """The message that is kept; empty where there is none, or Valkey is away."""
    with suppress(redis.ConnectionError, redis.TimeoutError):
        found: Any = _client().get(_channel(f"kept.{name}"))
        return bytes(found or b"")
    return b""


async def publish_async(*messages: tuple[str, bytes]) -> None:
    """Send from the event loop, several messages in one round trip."""
    with suppress(redis.ConnectionError, redis.TimeoutError):
        async with _async_client(asyncio.get_running_loop()).pipeline(transaction=False) as pipeline:
            for topic, payload in messages:
                pipeline.publish(_channel(topic), payload)
            await pipeline.execute()


async def tell_async(topic: str, payload: bytes) -> int:
    """Send one message; answers how many processes hear it, 0 where Valkey is away."""
    with suppress(redis.ConnectionError, redis.TimeoutError):
        return int(await _async_client(asyncio.get_running_loop()).publish(_channel(topic), payload))
    return 0


async def append_async(name: str, payloads: Sequence[bytes], *, keep: int) -> None:
    """Add to a list that keeps the last ``keep`` messages, in one round trip."""
    with suppress(redis.ConnectionError, redis.TimeoutError):
        async with _async_client(asyncio.get_running_loop()).pipeline(transaction=False) as pipeline:
            pipeline.lpush(_channel(name), *payloads)
            pipeline.ltrim(_channel(name), 0, keep - 1)
            await pipeline.execute()


async def latest_async(name: str, limit: int) -> list[bytes]:
    """The last messages of a list, newest first."""
    messages: Any = await _async_client(asyncio.get_running_loop()).lrange(_channel(name), 0, limit - 1)
    return list(messages)


class Bus:
    """A process's one subscription connection, shared by every listener in it. Lives on the process's event loop."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[Listener]] = {}
        self._hearing: dict[str, list[HearingListener]] = {}
        self._pubsub: redis.asyncio.client.PubSub | None = None
        self._reader: asyncio.Task[None] | None = None
        self._numbers = count()
        self._questions: dict[bytes, asyncio.Future[None]] = {}

    async def listen(self, topic: str, listener: Listener, hearing: HearingListener | None = None) -> None:
        """Call ``listener(payload)`` on the event loop for each message of a topic, from now on.

        ``hearing`` is told when messages may be missed and when no longer: first once the broker has subscribed us.
        """
        channel = _channel(topic)
        listeners = self._listeners.setdefault(channel, [])
        listeners.append(listener)
        if hearing is not None:
            self._hearing.setdefault(channel, []).append(hearing)
        if self._pubsub is None:
            self._pubsub = _subscribing_client(asyncio.get_running_loop()).pubsub()
        # Who wants to know whether we hear is answered by a subscription of its own, be it the channel's second.
        if len(listeners) == 1 or hearing is not None:
            with suppress(redis.ConnectionError, redis.TimeoutError):
                await self._pubsub.subscribe(channel)
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read(), name="bus")

    async def unlisten(self, topic: str, listener: Listener) -> None:
        """Stop calling the listener."""
        channel = _channel(topic)
        listeners = self._listeners.get(channel, [])
        if listener in listeners:
            listeners.remove(listener)
        if not listeners:
            self._hearing.pop(channel, None)
        if not listeners and self._listeners.pop(channel, None) is not None and self._pubsub is not None:
            with suppress(redis.ConnectionError, redis.TimeoutError):
                await self._pubsub.unsubscribe(channel)

    async def catch_up(self) -> None:
        """Return once the listeners have been called for all that was published before.

        The broker answers in order, and on the connection that brings the messages. Raises redis.ConnectionError; where
        the connection breaks meanwhile, no answer comes: the caller limits the wait.
        """
        assert self._pubsub is not None, "somebody listens"
        number = str(next(self._numbers)).encode()
        answered = self._questions[number] = asyncio.get_running_loop().create_future()
        try:
            await self._pubsub.ping(number)
            await answered
        finally:
            del self._questions[number]

    async def _read(self) -> None:
        assert self._pubsub is not None
        while True:
            try:
                if not self._pubsub.subscribed:
                    await asyncio.sleep(_RECONNECT_S if self._listeners else 0.05)
                    if self._listeners:
                        await self._pubsub.subscribe(*self._listeners)
                    continue
                # A subscription that failed while Valkey was away is none that redis-py makes again by itself.
                if missing := [name for name in self._listeners if name.encode() not in self._pubsub.channels]:
                    await self._pubsub.subscribe(*missing)
                message = await self._pubsub.get_message(timeout=30)
            except (redis.ConnectionError, redis.TimeoutError):
                # Valkey restarts: redis-py subscribes again on the next read; listeners heard nothing meanwhile.
                self._tell(self._hearing, hears=False)
                await asyncio.sleep(_RECONNECT_S)
                continue
            if message is None:
                continue
            if message["type"] == "pong":
                self._answer(message["data"])
            if message["type"] == "subscribe":
                self._tell((message["channel"].decode(),), hears=True)
            if message["type"] != "message":
                continue
            for listener in tuple(self._listeners.get(message["channel"].decode(), ())):
                listener(message["data"])

    def _answer(self, number: bytes) -> None:
        answered = self._questions.get(number)
        if answered is not None and not answered.done():
            answered.set_result(None)

    def _tell(self, channels: Iterable[str], *, hears: bool) -> None:
        for channel in channels:
            for hearing in self._hearing.get(channel, ()):
                hearing(hears)


@asynccontextmanager
async def subscription(topic: str) -> AsyncIterator["asyncio.Queue[bytes]"]:
    """A queue that receives a topic's messages while the block runs; full, it drops its oldest."""
    pending: asyncio.Queue[bytes] = asyncio.Queue(MAX_PENDING)

    def put(payload: bytes) -> None:
        if pending.full():
            pending.get_nowait()
        pending.put_nowait(payload)

    bus = process_bus()
    await bus.listen(topic, put)
    try:
        yield pending
    finally:
        await bus.unlisten(topic, put)


def process_bus() -> Bus:
    """The bus of the running event loop."""
    return _bus_of(asyncio.get_running_loop())


def listen_in_background(topic: str, listener: Listener) -> None:
    """Listen from plain code; the listener runs on the process's event loop."""

    async def listen() -> None:
        await process_bus().listen(topic, listener)

    asyncio.run_coroutine_threadsafe(listen(), process_loop())


@cache
def _bus_of(_loop: asyncio.AbstractEventLoop) -> Bus:
    return Bus()


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2)


@cache
def _async_client(_loop: asyncio.AbstractEventLoop) -> redis.asyncio.Redis:
    # A connection that broke is made again once; a broker that is away is not waited for.
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL, socket_timeout=None, socket_connect_timeout=2, retry=Retry(NoBackoff(), 1)
    )


@cache
def _subscribing_client(_loop: asyncio.AbstractEventLoop) -> redis.asyncio.Redis:
    # Without retries of its own: a broken connection is told at once to who must know whether it hears.
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL, socket_timeout=None, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0)
    )


def _channel(topic: str) -> str:
    return f"simfra:{settings.SIMFRA_INSTANCE}:{topic}"
