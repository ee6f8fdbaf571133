"""One AWS request, from wire to wire. Read :func:`handle` to know what happens to it."""

import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from asyncpg.exceptions import CharacterNotInRepertoireError, UntranslatableCharacterError
from django.conf import settings
from django.db import DataError

from aws_api.core.clock import SHARED_CLOCK, SYSTEM_CLOCK
from aws_api.core.context import Context, Principal, anonymous
from aws_api.core.decisions import AccessDecision, gathering_decisions
from aws_api.core.errors import AwsError, InternalFailure, ValidationException
from aws_api.core.execution import run_in_thread
from aws_api.core.faults import call_faults
from aws_api.core.ids import id_sequence
from aws_api.core.invoke import find_operation, invoke_async
from aws_api.core.seeds import next_sequence
from aws_api.gateway.call_faults import suffer
from aws_api.gateway.records import UnderWay
from aws_api.gateway.router import Route, find_route, guess_protocol
from aws_api.gateway.sigv4 import verify
from aws_api.protocol.models import is_loaded, service_model
from aws_api.protocol.plans import plan_for, serialize_error_for
from aws_api.protocol.wire import WireRequest, WireResponse

_log = logging.getLogger(__name__)

_FORCED_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

#: How psycopg (through Django) and asyncpg say that a text has a NUL.
_NOT_STORABLE = (DataError, CharacterNotInRepertoireError, UntranslatableCharacterError)


class Handled(NamedTuple):
    """A response with what the log line and the request record tell."""

    response: WireResponse
    error: str
    decisions: Sequence[AccessDecision]


async def handle(under_way: UnderWay, client_gone: Callable[[], Awaitable[None]] | None = None) -> Handled:
    """Answer a request. Never raises: what is not an AWS error becomes InternalFailure with the request id.

    What is found out about the request on the way is noted in ``under_way``; what was not stays empty.
    """
    request, request_id = under_way.request, under_way.id
    error_code = ""
    decisions: Sequence[AccessDecision] = ()
    try:
        route = under_way.route = find_route(request)
        operation = find_operation(route.service, route.operation)
        if operation.is_unsigned:
            principal = anonymous(settings.SIMFRA_DEFAULT_ACCOUNT_ID)
        else:
            principal = await verify(request, route.scope, SYSTEM_CLOCK.now())
        under_way.principal = principal
        if not is_loaded(route.service):
            await run_in_thread(service_model, route.service)  # EC2's takes 100 ms: not on the loop
        plan = plan_for(route.service, route.operation, route.protocol)
        parameters = under_way.parameters = plan.parse(request)
        context = _context(request, route, principal, request_id, client_gone)
        if faults := await call_faults(principal.account_id):
            await suffer(faults, under_way, client_gone)
        id_sequence.set(await next_sequence(principal.account_id, route.operation))
        with gathering_decisions() as decisions:
            answer: Mapping[str, Any] = await invoke_async(context, operation, parameters)
        response = plan.serialize(answer, request_id)
    except Exception as error:  # noqa: BLE001 - the edge: a client never sees a stack trace
        answer_error = _as_aws_error(error, f"{request_id} ({under_way.route or request.raw_path})")
        response = _error_response(request, under_way.route, answer_error, request_id)
        error_code = answer_error.code
    return Handled(response=response, error=error_code, decisions=decisions)


def _as_aws_error(error: Exception, what: str) -> AwsError:
    """What the client is told: an AWS error as it is; of anything else no more than that it happened."""
    if isinstance(error, AwsError):
        return error
    if isinstance(error, _NOT_STORABLE) and ("NUL" in str(error) or "\\u0000" in str(error) or "0x00" in str(error)):
        # Valid in every wire format, and in no text that Postgres keeps; AWS's services refuse it as well.
        return ValidationException("The request contains the character NUL (U+0000), which no member may have.")
    if isinstance(error, DataError) and "too long" in str(error):
        return ValidationException("A value of the request is longer than what it names may be.")
    _log.error("request %s failed", what, exc_info=error)
    return InternalFailure("The request processing has failed because of an unknown error, exception or failure.")


def _context(
    request: WireRequest,
    route: Route,
    principal: Principal,
    request_id: str,
    client_gone: Callable[[], Awaitable[None]] | None,
) -> Context:
    headers = request.headers
    return Context(
        account_id=principal.account_id,
        region=route.region,
        principal=principal,
        request_id=request_id,
        clock=SHARED_CLOCK,
        source_ip=request.client_host,
        endpoint=f"{request.scheme}://{headers.get('host', 'localhost')}",
        forced_ids=_forced_ids(headers),
        client_gone=client_gone,
    )


def _forced_ids(headers: Mapping[str, str]) -> Mapping[str, str]:
    """``X-Simfra-Id`` (under ``""``) and ``X-Simfra-<Member>``, by lower-case member without dashes."""
    forced = {
        "" if name == "x-simfra-id" else name.removeprefix("x-simfra-").replace("-", ""): value
        for name, value in headers.items()
        if name.startswith("x-simfra-")
    }
    for value in forced.values():
        # Ids become parts of ARNs, of addresses and of Docker's names.
        if not _FORCED_ID.fullmatch(value):
            raise ValidationException(f"X-Simfra-Id takes letters, digits, '-' and '_', 64 at most: {value[:64]!r}")
    return forced


def _error_response(request: WireRequest, route: Route | None, error: AwsError, request_id: str) -> WireResponse:
    if route is None:
        return serialize_error_for(guess_protocol(request), error, request_id)
    return serialize_error_for(route.protocol, error, request_id, route.service)
