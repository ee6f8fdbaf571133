"""What faults do to an AWS call: an error in the service's own words, a slow answer, or none at all."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.errors import AwsError
from aws_api.core.faults import EffectType, FaultRule, claim_call
from aws_api.core.seeds import seed_of
from aws_api.gateway.records import UnderWay

#: How long a call stays open that is never answered, where its client does not give up.
DEFAULT_TIMEOUT_S = 300.0
_MESSAGES = {
    "InternalFailure": "The request processing has failed because of an unknown error, exception or failure.",
    "InternalServerError": "The request processing has failed because of an unknown error, exception or failure.",
    "ServiceUnavailable": "The request has failed due to a temporary failure of the server.",
}
_STATUSES = {"InternalFailure": 500, "InternalServerError": 500, "InternalError": 500, "ServiceUnavailable": 503}
#: What a service says when there is too much at once, where that is not its protocol's word.
_THROTTLES: Mapping[str, tuple[str, int, str]] = {
    "ec2": ("RequestLimitExceeded", 503, "Request limit exceeded."),
    "s3": ("SlowDown", 503, "Please reduce your request rate."),
    "sqs": ("RequestThrottled", 400, "Rate exceeded"),
    "lambda": ("TooManyRequestsException", 429, "Rate Exceeded."),
}
_THROTTLES_OF_PROTOCOL: Mapping[str, tuple[str, int, str]] = {
    "query": ("Throttling", 400, "Rate exceeded"),
    "rest-json": ("ThrottlingException", 429, "Rate exceeded"),
    "rest-xml": ("Throttling", 400, "Rate exceeded"),
}
_THROTTLE = ("ThrottlingException", 400, "Rate exceeded")

ClientGone = Callable[[], Awaitable[None]]


class NoAnswer(AwsError):
    """The client waited for as long as the call was kept open."""

    code = "RequestTimeout"
    status = 408


async def suffer(faults: Sequence[FaultRule], under_way: UnderWay, client_gone: ClientGone | None) -> None:
    """Let the rules that match a call do what they do, in the order in which they were made.

    Raises the AwsError that the call is answered with, where one says so.
    """
    now = SYSTEM_CLOCK.now()
    for rule in faults:
        if now < rule.expires_at and _matches(rule, under_way) and (number := await claim_call(rule)):
            under_way.fault = rule.fault_id
            await _suffer(rule, number, under_way, client_gone)


def _matches(rule: FaultRule, under_way: UnderWay) -> bool:
    route = under_way.route
    assert route is not None, "faults are of calls that are known"
    if not rule.matches(route.region, service=route.service, operation=route.operation):
        return False
    wanted = rule.scope.get("resource")
    return not wanted or any(_names(text, wanted) for text in _texts(under_way.parameters or {}))


def _texts(parameters: Mapping[str, Any]) -> Iterator[str]:
    """What a call may name resources by: its texts, and those of its lists."""
    for value in parameters.values():
        for text in value if isinstance(value, list) else (value,):
            if isinstance(text, str):
                yield text


def _names(text: str, wanted: str) -> bool:
    """Whether two texts are the same, or name the same: an ARN, a URL and a name do by their last part."""
    return text == wanted or _last(text) == _last(wanted)


def _last(text: str) -> str:
    return text.rpartition("/")[2].rpartition(":")[2]


async def _suffer(rule: FaultRule, number: int, under_way: UnderWay, client_gone: ClientGone | None) -> None:
    effect = rule.effect
    delay_ms = effect.get("latency_ms", 0)
    if jitter_ms := effect.get("jitter_ms", 0):
        delay_ms += jitter_ms * (2 * rule.chance(await seed_of(rule.account_id), f"jitter {number}") - 1)
    if delay_ms > 0:
        await asyncio.sleep(delay_ms / 1000)
    match rule.effect_type:
        case EffectType.TIMEOUT:
            await _hang(effect.get("timeout_s", DEFAULT_TIMEOUT_S), client_gone)
            raise NoAnswer("The request was not answered in time.")
        case EffectType.THROTTLE:
            assert under_way.route is not None
            code, status, message = throttle_of(under_way.route.service, under_way.route.protocol)
            raise _error(code, status, message)
        case EffectType.ERROR:
            code = effect.get("code", "InternalFailure")
            message = effect.get("message", _MESSAGES.get(code, code))
            raise _error(code, effect.get("status", _STATUSES.get(code, 400)), message)


def throttle_of(service: str, protocol: str) -> tuple[str, int, str]:
    """Code, status and message by which a service says that there is too much at once."""
    return _THROTTLES.get(service) or _THROTTLES_OF_PROTOCOL.get(protocol, _THROTTLE)


def _error(code: str, status: int, message: str) -> AwsError:
    """An error that no model has to know."""
    made = type(code, (AwsError,), {"code": code, "status": status, "sender_fault": status < 500})
    return made(message)  # type: ignore[no-any-return]


async def _hang(limit_s: float, client_gone: ClientGone | None) -> None:
    """Say nothing until the client gives up."""
    with suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            await (client_gone() if client_gone is not None else asyncio.Event().wait())
