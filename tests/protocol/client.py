"""botocore's own client side as the oracle: what it sends for parameters, what it reads from an answer."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.awsrequest import HeadersDict, create_request_object, prepare_request_dict
from botocore.model import OperationModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from aws_api.protocol.plans import Protocol
from aws_api.protocol.wire import WireRequest, WireResponse


def request_of(operation: OperationModel, protocol: Protocol, parameters: Mapping[str, Any]) -> WireRequest:
    """The request that botocore sends for the parameters, after checking them against the model."""
    serialized = create_serializer(protocol.value).serialize_to_request(dict(parameters), operation)
    is_length_given = any(name.lower() == "content-length" for name in serialized["headers"])
    prepare_request_dict(serialized, endpoint_url="http://localhost:4599", context={})
    prepared = create_request_object(serialized).prepare()
    url = urlsplit(prepared.url)
    body = prepared.body or b""
    return WireRequest(
        method=prepared.method,
        path=unquote(url.path),
        raw_path=url.path,
        query=url.query,
        headers={
            name.lower(): _text(value)
            for name, value in prepared.headers.items()
            # HTTP's own length is no member where the parameters did not say it.
            if is_length_given or name.lower() != "content-length"
        },
        body=body.encode() if isinstance(body, str) else bytes(body),
    )


def result_of(operation: OperationModel, protocol: Protocol, response: WireResponse) -> dict[str, Any]:
    """What botocore reads from an answer, with ``ResponseMetadata``."""
    assert isinstance(response.body, bytes)
    answer = {"status_code": response.status, "headers": HeadersDict(response.headers), "body": response.body}
    parsed: dict[str, Any] = create_parser(protocol.value).parse(answer, operation.output_shape)
    return parsed


def error_of(operation: OperationModel, protocol: Protocol, response: WireResponse) -> dict[str, Any]:
    """The error that botocore reads from an answer, with the members of its shape, as ``ClientError`` shows them."""
    assert isinstance(response.body, bytes)
    answer = {"status_code": response.status, "headers": HeadersDict(response.headers), "body": response.body}
    parser = create_parser(protocol.value)
    parsed: dict[str, Any] = parser.parse(answer, operation.output_shape)
    model = operation.service_model
    codes = (parsed["Error"].get("QueryErrorCode"), parsed["Error"].get("Code"))
    shape = next((found for code in codes if (found := model.shape_for_error_code(code)) is not None), None)
    if shape is not None:
        parsed.update(parser.parse(answer, shape))
    return parsed


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
