"""The query protocol and EC2's dialect of it: form fields in, XML out."""

from collections.abc import Mapping
from typing import Any

from botocore.model import OperationModel, ServiceModel

from aws_api.core.errors import AwsError
from aws_api.protocol.encodings import decode_body
from aws_api.protocol.failures import MalformedQueryString
from aws_api.protocol.formats import Parse, Serialize, WireFormat, error_members, fault
from aws_api.protocol.query import FLAT_NAMES, QueryReaderCompiler, ec2_name, parse_fields
from aws_api.protocol.validation import as_modelled, lower_first
from aws_api.protocol.wire import WireRequest, WireResponse
from aws_api.protocol.xml import DECLARATION, XmlWriterCompiler, escape

#: Namespaces of the services whose model no longer tells it.
_NAMESPACES = {"sqs": "http://queue.amazonaws.com/doc/2012-11-05/"}

_CONTENT_TYPE = ("content-type", "text/xml")
_EC2_CONTENT_TYPE = ("content-type", "text/xml;charset=UTF-8")


class QueryFormat(WireFormat):
    """AWS's query protocol."""

    def __init__(self, model: ServiceModel, protocol: str) -> None:
        super().__init__(model, protocol, as_modelled if model.service_name == "sqs" else lower_first)
        service = model.service_name
        self._readers = QueryReaderCompiler(service, ec2=False)
        self._writers = XmlWriterCompiler(FLAT_NAMES.get(service, {}))
        namespace = model.metadata.get("xmlNamespace", _NAMESPACES.get(service, ""))
        self._xmlns = f' xmlns="{namespace}"' if namespace else ""

    def parser(self, operation: OperationModel) -> Parse:
        shape = operation.input_shape
        if shape is None:
            return lambda request: {}
        read = self._readers.compile(shape)
        complete = self.completion(operation)

        takes_queue_url = self.model.service_name == "sqs" and "QueueUrl" in shape.members

        def parse(request: WireRequest) -> dict[str, Any]:
            parameters = read(parse_fields(request.query, form_text(request)))
            if takes_queue_url and "QueueUrl" not in parameters and request.path.count("/") >= 2:
                # Old clients post to the queue and do not name it again.
                host = request.headers.get("host", "localhost")
                parameters["QueueUrl"] = f"{request.scheme}://{host}{request.path}"
            return complete(parameters)

        return parse

    def serializer(self, operation: OperationModel) -> Serialize:
        name, shape = operation.name, operation.output_shape
        opening = f"<{name}Response{self._xmlns}>"
        closing = f"</{name}Response>"
        wrapper = None
        write_members = None
        if shape is not None:
            wrapper = shape.serialization.get("resultWrapper", f"{name}Result")
            write_members = self._writers.members(shape)

        def serialize(result: Mapping[str, Any], request_id: str) -> WireResponse:
            pieces = [opening]
            if write_members is not None:
                pieces.append(f"<{wrapper}>")
                write_members(result, pieces.append)
                pieces.append(f"</{wrapper}>")
            pieces.append(f"<ResponseMetadata><RequestId>{escape(request_id)}</RequestId></ResponseMetadata>{closing}")
            return WireResponse(200, (_CONTENT_TYPE, ("x-amzn-requestid", request_id)), _encode(pieces))

        return serialize

    def serialize_error(self, error: AwsError, request_id: str) -> WireResponse:
        shape = self.error_shape(error)
        pieces = [
            f"<ErrorResponse{self._xmlns}><Error><Type>{fault(error)}</Type><Code>{escape(self.query_code(error))}</Code>"
            f"<Message>{escape(error.message)}</Message>"
        ]
        if shape is not None:
            self._writers.members(shape)(error_members(error, shape), pieces.append)
        pieces.append(f"</Error><RequestId>{escape(request_id)}</RequestId></ErrorResponse>")
        status = error.query_status or error.status
        return WireResponse(status, (_CONTENT_TYPE, ("x-amzn-requestid", request_id)), _encode(pieces))


_NOT_VALIDATED = ("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
#: How EC2 words refusals of keys and signatures, and their status, by the code that other query services say: it does
#: not tell which part was wrong. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
_EC2_REFUSALS = {
    "InvalidClientTokenId": _NOT_VALIDATED,
    "SignatureDoesNotMatch": _NOT_VALIDATED,
    "ExpiredToken": ("RequestExpired", "Request has expired.", 400),
}


class Ec2Format(WireFormat):
    """EC2's query protocol: flat lists in, no result wrapper out, errors of its own form."""

    def __init__(self, model: ServiceModel, protocol: str) -> None:
        super().__init__(model, protocol, ec2_name)
        self._readers = QueryReaderCompiler(model.service_name, ec2=True)
        self._writers = XmlWriterCompiler({}, timestamp_format="iso8601milliseconds")
        namespace = model.metadata["xmlNamespace"].rstrip("/")
        self._xmlns = f' xmlns="{namespace}/"'

    def parser(self, operation: OperationModel) -> Parse:
        shape = operation.input_shape
        if shape is None:
            return lambda request: {}
        read = self._readers.compile(shape)
        complete = self.completion(operation)

        def parse(request: WireRequest) -> dict[str, Any]:
            return complete(read(parse_fields(request.query, form_text(request))))

        return parse

    def serializer(self, operation: OperationModel) -> Serialize:
        name, shape = operation.name, operation.output_shape
        opening = f"{DECLARATION}<{name}Response{self._xmlns}><requestId>"
        closing = f"</{name}Response>"
        write_members = None if shape is None else self._writers.members(shape)

        def serialize(result: Mapping[str, Any], request_id: str) -> WireResponse:
            pieces = [opening, escape(request_id), "</requestId>"]
            if write_members is None:
                pieces.append("<return>true</return>")
            else:
                write_members(result, pieces.append)
            pieces.append(closing)
            return WireResponse(200, (_EC2_CONTENT_TYPE, ("x-amzn-requestid", request_id)), _encode(pieces))

        return serialize

    def serialize_error(self, error: AwsError, request_id: str) -> WireResponse:
        said = (self.query_code(error), error.message, error.query_status or error.status)
        code, message, status = _EC2_REFUSALS.get(said[0], said)
        text = (
            f"{DECLARATION}<Response><Errors><Error><Code>{escape(code)}</Code>"
            f"<Message>{escape(message)}</Message></Error></Errors>"
            f"<RequestID>{escape(request_id)}</RequestID></Response>"
        )
        return WireResponse(status, (_EC2_CONTENT_TYPE, ("x-amzn-requestid", request_id)), text.encode())


def form_text(request: WireRequest) -> str:
    """The form fields in the body."""
    body = decode_body(request) if "content-encoding" in request.headers else request.body
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise MalformedQueryString("The query string is malformed.") from error


def _encode(pieces: list[str]) -> bytes:
    return "".join(pieces).encode()
