"""Which service, operation and protocol a request is for: a table of rules, most telling first.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html (credential scope)
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, unquote

from django.conf import settings

from aws_api.core.errors import AwsError, InvalidAction, NotImplementedByUs, UnknownOperationException
from aws_api.core.service import AwsService, all_services, get_service
from aws_api.gateway.credential_scope import CredentialScope, claimed_scope
from aws_api.protocol.models import has_operation, service_names
from aws_api.protocol.plans import Protocol
from aws_api.protocol.rest import match_rest
from aws_api.protocol.wire import WireRequest

#: Longest prefix of a form body that is searched for ``Action``: SDKs put it first.
_ACTION_WITHIN_BYTES = 64 * 1024
#: What the services that speak XML over plain HTTP sign for.
_REST_XML = frozenset({"cloudfront", "route53", "s3"})


@dataclass(frozen=True, kw_only=True)
class Route:
    """Where a request goes. ``operation`` is AWS's name; ``scope`` is None where the request is unsigned."""

    service: str
    operation: str
    protocol: Protocol
    region: str
    scope: CredentialScope | None


def guess_protocol(request: WireRequest) -> Protocol:
    """The wire format by the request's outer form: enough to word an error before the service is known."""
    return _protocol(request, claimed_scope(request))


def find_route(request: WireRequest) -> Route:
    """Find the service and operation. Raises the AWS error for what does not exist, 501 for what Simfra lacks."""
    scope = claimed_scope(request)
    protocol = _protocol(request, scope)
    service = _find_service(request, scope)
    operation = _find_operation(service, protocol, request)
    return Route(
        service=service.name,
        operation=operation,
        protocol=protocol,
        region=_region(request, scope),
        scope=scope,
    )


def _protocol(request: WireRequest, scope: CredentialScope | None) -> Protocol:
    headers = request.headers
    if headers.get("smithy-protocol") == "rpc-v2-cbor" or headers.get("content-type") == "application/cbor":
        return Protocol.CBOR
    if "x-amz-target" in headers or headers.get("content-type", "").startswith("application/x-amz-json"):
        return Protocol.JSON
    if scope is not None and scope.service == "ec2":
        return Protocol.EC2
    if scope is not None and scope.service in _REST_XML:
        return Protocol.REST_XML
    if _action(request) is not None or headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return Protocol.QUERY
    return Protocol.REST_JSON


def _find_service(request: WireRequest, scope: CredentialScope | None) -> AwsService:
    if scope is not None:
        candidates = _services_by_signing_name().get(scope.service, ())
        if len(candidates) > 1:
            candidates = _meant(candidates, request) or candidates
        if candidates:
            return candidates[0]
        if scope.service in service_names():
            raise NotImplementedByUs(f"Simfra does not emulate the AWS service {scope.service} yet.")
    for service in _services_named_otherwise(request):
        return service
    raise UnknownOperationException("The request names no AWS service: sign it for one.")


def _meant(candidates: tuple[AwsService, ...], request: WireRequest) -> tuple[AwsService, ...]:
    """Those of the services with one signing name that the request's own form names."""
    if target := request.headers.get("x-amz-target"):
        # DynamoDBStreams_20120810.GetRecords
        prefix = target.partition(".")[0].partition("_")[0].lower()
        return tuple(service for service in candidates if service.name == prefix)
    version = _form_value(request, "Version")
    return tuple(service for service in candidates if service.api_version == version)


def _services_named_otherwise(request: WireRequest) -> Iterator[AwsService]:
    """An unsigned request's service: by Host (``sqs.us-east-1.localhost``) or by target prefix (``AmazonSQS``)."""
    name = request.headers.get("host", "").split(".", 1)[0]
    if service := get_service(name):
        yield service
    target = request.headers.get("x-amz-target", "").rpartition(".")[0].lower().replace("amazon", "", 1)
    if target:
        yield from (service for service in all_services() if target.startswith(service.name))
    # What AWS serves to unsigned callers as well.
    if (_action(request) or "").startswith("AssumeRoleWith") and (sts := get_service("sts")):
        yield sts


def _find_operation(service: AwsService, protocol: Protocol, request: WireRequest) -> str:
    name: str | None
    error: AwsError
    if protocol is Protocol.JSON:
        name = request.headers.get("x-amz-target", "").rpartition(".")[2]
        error = UnknownOperationException(f"The operation {name} does not exist in {service.name}.")
    elif protocol is Protocol.CBOR:
        # /service/{name}/operation/{operation}
        name = request.path.rpartition("/operation/")[2]
        error = UnknownOperationException(f"The operation {name} does not exist in {service.name}.")
    elif protocol in (Protocol.QUERY, Protocol.EC2):
        name = _action(request)
        error = InvalidAction(f"Could not find operation {name} for version {_form_value(request, 'Version')}")
    else:
        match = match_rest(service.name, request.method, request.raw_path, request.query, request.headers)
        name = match[0] if match else None
        error = UnknownOperationException(f"No operation of {service.name} is {request.method} {request.path}.")
    # What Simfra implements exists, so the model is asked only about the rest.
    if name and (service.find(name) is not None or has_operation(service.name, name)):
        return name
    raise error


def _region(request: WireRequest, scope: CredentialScope | None) -> str:
    if scope is not None:
        return scope.region
    labels = request.headers.get("host", "").split(":")[0].split(".")
    if len(labels) > 2 and labels[1].count("-") >= 2:  # sqs.us-east-1.localhost
        return labels[1]
    return str(settings.SIMFRA_DEFAULT_REGION)


def _action(request: WireRequest) -> str | None:
    return _form_value(request, "Action")


def _form_value(request: WireRequest, name: str) -> str | None:
    if f"{name}=" in request.query:
        for key, value in parse_qsl(request.query):
            if key == name:
                return value
    needle = f"{name}=".encode()
    body = request.body[:_ACTION_WITHIN_BYTES]
    at = 0 if body.startswith(needle) else body.find(b"&" + needle) + 1
    if at == 0 and not body.startswith(needle):
        return None
    return unquote(body[at + len(needle) :].split(b"&", 1)[0].decode("latin-1"))


@lru_cache(maxsize=1)
def _services_by_signing_name() -> Mapping[str, tuple[AwsService, ...]]:
    services: dict[str, tuple[AwsService, ...]] = {}
    for service in all_services():
        services[service.signing_name] = (*services.get(service.signing_name, ()), service)
    return services
