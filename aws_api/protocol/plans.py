"""Plans: an operation's parser and serialisers in one protocol, compiled on first use and kept.

A plan is closures built per shape, so that a request walks no model.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from botocore.model import ServiceModel

from aws_api.core.errors import AwsError
from aws_api.protocol.cbor_format import CborFormat
from aws_api.protocol.formats import Parse, Serialize, SerializeError, WireFormat
from aws_api.protocol.json_format import JsonFormat
from aws_api.protocol.models import operation_model, service_model
from aws_api.protocol.query_format import Ec2Format, QueryFormat
from aws_api.protocol.rest_format import RestJsonFormat, RestXmlFormat
from aws_api.protocol.wire import WireResponse


class Protocol(StrEnum):
    """The wire formats of AWS, as botocore's models name them; json is 1.0 or 1.1 as the model says."""

    JSON = "json"
    QUERY = "query"
    EC2 = "ec2"
    REST_JSON = "rest-json"
    REST_XML = "rest-xml"
    CBOR = "smithy-rpc-v2-cbor"


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationPlan:
    """How one operation travels in one protocol.

    ``parse`` gives the parameters in AWS's member names, checked against the model, or raises an ``AwsError``.
    ``serialize`` takes the result, leaving out members that are None or unknown.
    """

    service: str
    operation: str
    protocol: Protocol
    parse: Parse
    serialize: Serialize
    serialize_error: SerializeError


_FORMATS: dict[Protocol, Callable[[ServiceModel, str], WireFormat]] = {
    Protocol.JSON: JsonFormat,
    Protocol.QUERY: QueryFormat,
    Protocol.EC2: Ec2Format,
    Protocol.REST_JSON: RestJsonFormat,
    Protocol.REST_XML: RestXmlFormat,
    Protocol.CBOR: CborFormat,
}

_lock = threading.RLock()
_plans: dict[tuple[str, str, Protocol], OperationPlan] = {}
_formats: dict[tuple[str, Protocol], WireFormat] = {}


def plan_for(service: str, operation: str, protocol: Protocol) -> OperationPlan:
    """The plan of an operation; ``KeyError`` where AWS has no such service or operation."""
    plan = _plans.get((service, operation, protocol))
    if plan is None:
        with _lock:
            plan = _plans.get((service, operation, protocol))
            if plan is None:
                plan = _compile(service, operation, protocol)
                _plans[service, operation, protocol] = plan
    return plan


def _compile(service: str, operation: str, protocol: Protocol) -> OperationPlan:
    model = operation_model(service, operation)
    wire_format = _format(service, protocol)
    return OperationPlan(
        service=service,
        operation=operation,
        protocol=protocol,
        parse=wire_format.parser(model),
        serialize=wire_format.serializer(model),
        serialize_error=wire_format.serialize_error,
    )


def serialize_error_for(
    protocol: Protocol, error: AwsError, request_id: str, service: str | None = None
) -> WireResponse:
    """The answer that an error is before an operation is known; ``service`` where that much is."""
    return _format(service or _TYPICAL_SERVICE[protocol], protocol).serialize_error(error, request_id)


#: Whose errors an answer resembles while the service is unknown: small models, and plain forms.
_TYPICAL_SERVICE = {
    Protocol.JSON: "sts",
    Protocol.QUERY: "sts",
    Protocol.EC2: "ec2",
    Protocol.REST_JSON: "sts",
    Protocol.REST_XML: "sts",
    Protocol.CBOR: "sts",
}


def _format(service: str, protocol: Protocol) -> WireFormat:
    wire_format = _formats.get((service, protocol))
    if wire_format is None:
        with _lock:
            wire_format = _formats.get((service, protocol))
            if wire_format is None:
                wire_format = _FORMATS[protocol](service_model(service), protocol.value)
                _formats[service, protocol] = wire_format
    return wire_format
