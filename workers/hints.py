"""Short-lived marks in Valkey, so that workers do not do a thing twice at once. Losing them costs a repetition."""

from functools import cache

import redis
from django.conf import settings


def once(mark: str, seconds: float) -> bool:
    """True for the first who asks within that time; True for everybody while Valkey is away."""
    try:
        return bool(_client().set(_key(mark), b"1", nx=True, px=max(1, int(seconds * 1000))))
    except (redis.ConnectionError, redis.TimeoutError):
        return True


def forget(*marks: str) -> None:
    """Let the next one be the first again."""
    try:
        _client().delete(*map(_key, marks))
    except (redis.ConnectionError, redis.TimeoutError):
        return


def is_marked(mark: str) -> bool:
    """Whether somebody set the mark lately; False while Valkey is away."""
    try:
        return bool(_client().exists(_key(mark)))
    except (redis.ConnectionError, redis.TimeoutError):
        return False


def mark_now(mark: str, seconds: float) -> None:
    """Set a mark, or prolong it."""
    try:
        _client().set(_key(mark), b"1", px=max(1, int(seconds * 1000)))
    except (redis.ConnectionError, redis.TimeoutError):
        return


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2)


def _key(mark: str) -> str:
    return f"simfra:{settings.SIMFRA_INSTANCE}:hint:{mark}"
