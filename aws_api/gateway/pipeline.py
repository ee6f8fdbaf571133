"""One AWS request, from wire to wire. Read :func:`handle` to know what happens to it."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.context import Context, Principal
from aws_api.core.errors import AwsError, InternalFailure
from aws_api.core.execution import run_in_thread
from aws_api.core.ids import new_request_id
from aws_api.core.invoke import find_operation, invoke_async
from aws_api.gateway.router import Route, find_route, guess_protocol
from aws_api.gateway.sigv4 import verify
from aws_api.protocol.models import is_loaded, service_model
from aws_api.protocol.plans import plan_for, serialize_error_for
from aws_api.protocol.wire import WireRequest, WireResponse

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Handled:
    """A response with what the log line and the request record tell; what was not found out stays empty."""

    response: WireResponse
    request_id: str
    route: Route | None
    principal: Principal | None
    error: str


async def handle(request: WireRequest, client_gone: Callable[[], Awaitable[None]] | None = None) -> Handled:
    """Answer a request. Never raises: what is not an AWS error becomes InternalFailure with the request id."""
    request_id = new_request_id()
    route: Route | None = None
    principal: Principal | None = None
    error_code = ""
    try:
        route = find_route(request)
        principal = await verify(request, SYSTEM_CLOCK.now())
        operation = find_operation(route.service, route.operation)
        if not is_loaded(route.service):
            await run_in_thread(service_model, route.service)  # EC2's takes 100 ms: not on the loop
        plan = plan_for(route.service, route.operation, route.protocol)
        parameters = plan.parse(request)
        context = _context(request, route, principal, request_id, client_gone)
        answer: Mapping[str, Any] = await invoke_async(context, operation, parameters)
        response = plan.serialize(answer, request_id)
    except AwsError as error:
        response = _error_response(request, route, error, request_id)
        error_code = error.code
    except Exception:  # noqa: BLE001 - the edge: a client never sees a stack trace
        _log.exception("request %s failed: %s", request_id, route or request.raw_path)
        failure = InternalFailure(f"The request processing has failed because of an internal error: {request_id}")
        response = _error_response(request, route, failure, request_id)
        error_code = failure.code
    return Handled(response=response, request_id=request_id, route=route, principal=principal, error=error_code)


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
        clock=SYSTEM_CLOCK,
        source_ip=request.client_host,
        endpoint=f"{request.scheme}://{headers.get('host', 'localhost')}",
        forced_ids=_forced_ids(headers),
        client_gone=client_gone,
    )


def _forced_ids(headers: Mapping[str, str]) -> Mapping[str, str]:
    """``X-Simfra-Id`` and ``X-Simfra-<Member>``, by lower-case member without dashes."""
    return {
        name.removeprefix("x-simfra-").replace("-", "").removeprefix("id" if name == "x-simfra-id" else ""): value
        for name, value in headers.items()
        if name.startswith("x-simfra-")
    }


def _error_response(request: WireRequest, route: Route | None, error: AwsError, request_id: str) -> WireResponse:
    if route is None:
        return serialize_error_for(guess_protocol(request), error, request_id)
    return serialize_error_for(route.protocol, error, request_id, route.service)
