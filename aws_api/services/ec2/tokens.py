"""Client tokens: a request that is repeated with its token gets the first one's answer, and does nothing more.

https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from aws_api.core.context import Context
from aws_api.services.ec2.errors import IdempotentParameterMismatch, InvalidParameterValue
from aws_api.services.ec2.models import ClientToken

MAX_TOKEN_LENGTH = 64
#: How long a token is known.
KEEP = timedelta(hours=24)
_MAX_FORGOTTEN = 5000
_DATETIME = "$datetime"

Answer = Mapping[str, Any] | None


def once(context: Context, operation: str, request: Mapping[str, Any], run: Callable[[], Answer]) -> Answer:
    """The answer of ``run``, or of the earlier request with the same token, account, region and operation.

    Raises IdempotentParameterMismatch where that was another request. Needs a transaction: who comes second with a
    token waits for the first one's end, and a request that fails leaves no token.
    """
    token = request.get("ClientToken")
    if not token:
        return run()
    if len(token) > MAX_TOKEN_LENGTH:
        raise InvalidParameterValue(f"The client token must have at most {MAX_TOKEN_LENGTH} characters.")
    digest = _digest(request)
    row, is_first = ClientToken.objects.get_or_create(
        account_id=context.account_id,
        region=context.region,
        operation=operation,
        token=token,
        defaults={"request": digest, "created_at": context.clock.now()},
    )
    if is_first:
        answer = run()
        ClientToken.objects.filter(pk=row.pk).update(answer=_coded(answer or {}))
        return answer
    if row.request != digest:
        raise IdempotentParameterMismatch(
            "The request uses the same client token as a previous, but non-identical request. "
            "Do not reuse a client token with different requests, unless the requests are identical"
        )
    decoded: Answer = _decoded(row.answer)
    return decoded


def forget_old_tokens(now: datetime) -> None:
    """Delete tokens that are no longer known; a chore."""
    old = ClientToken.objects.filter(created_at__lt=now - KEEP).order_by("created_at").values("pk")
    ClientToken.objects.filter(pk__in=old[:_MAX_FORGOTTEN]).delete()


def _digest(request: Mapping[str, Any]) -> str:
    others = {member: value for member, value in request.items() if member not in ("ClientToken", "DryRun")}
    return hashlib.sha256(json.dumps(others, sort_keys=True, default=str).encode()).hexdigest()


def _coded(value: Any) -> Any:
    """A value of an answer as JSON can hold it."""
    if isinstance(value, datetime):
        return {_DATETIME: value.isoformat()}
    if isinstance(value, Mapping):
        return {member: _coded(each) for member, each in value.items()}
    if isinstance(value, list):
        return [_coded(each) for each in value]
    return value


def _decoded(value: Any) -> Any:
    if isinstance(value, dict):
        if _DATETIME in value:
            return datetime.fromisoformat(value[_DATETIME])
        return {member: _decoded(each) for member, each in value.items()}
    if isinstance(value, list):
        return [_decoded(each) for each in value]
    return value
