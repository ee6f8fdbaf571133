"""Whose resources a page shows: the account and region chosen in the console's head, kept in the session."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.conf import settings

from aws_api.core.context import Context, internal_context
from aws_api.core.invoke import invoke
from aws_api.protocol.plans import Protocol, plan_for
from aws_api.protocol.wire import WireRequest
from console.told_changes import tell

SESSION_KEY = "scope"


@dataclass(frozen=True)
class Scope:
    """An account and a region."""

    account_id: str
    region: str

    @property
    def context(self) -> Context:
        return internal_context(self.account_id, self.region)

    def call(self, service: str, operation: str, /, **request: Any) -> Mapping[str, Any]:
        """Call an AWS operation as the account's root. Raises AwsError, as a client would see it."""
        answer = invoke(self.context, service, operation, request)
        tell(self.account_id, service, operation)
        return answer

    def call_as_sent(self, service: str, operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call an operation of a JSON service with what somebody typed: checked against AWS's model, as on the wire."""
        wire = WireRequest(body=orjson.dumps(request), headers={"content-type": "application/x-amz-json-1.1"})
        return self.call(service, operation, **plan_for(service, operation, Protocol.JSON).parse(wire))


def scope_of(session: Mapping[str, Any]) -> Scope:
    """The scope chosen in a session, else the defaults."""
    account_id, region = session.get(SESSION_KEY) or (
        settings.SIMFRA_DEFAULT_ACCOUNT_ID,
        settings.SIMFRA_DEFAULT_REGION,
    )
    return Scope(account_id, region)
