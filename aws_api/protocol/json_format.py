"""The JSON protocols 1.0 and 1.1: one path, the operation in a header, JSON bodies."""

import zlib
from collections.abc import Mapping
from typing import Any

import orjson
from botocore.model import OperationModel, ServiceModel, StructureShape

from aws_api.core.errors import AwsError, SerializationException
from aws_api.protocol import tree
from aws_api.protocol.encodings import decode_body
from aws_api.protocol.event_stream import EncodePayload, event_stream_serializer
from aws_api.protocol.failures import dynamodb_type_mismatch, type_mismatch
from aws_api.protocol.formats import Parse, Serialize, WireFormat, error_members, fault, message_name
from aws_api.protocol.limits import MAX_DEPTH
from aws_api.protocol.models import NAMESPACES
from aws_api.protocol.validation import as_modelled, lower_first
from aws_api.protocol.wire import WireRequest, WireResponse

#: Services whose clients compare the body with its checksum.
CHECKSUMMED = frozenset({"dynamodb", "dynamodbstreams"})

_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME
_OPTIONS_ANY_KEY = _OPTIONS | orjson.OPT_NON_STR_KEYS


def parse_json(body: bytes) -> Any:
    """The value of a JSON text; an empty one is the empty structure."""
    if not body:
        return {}
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise SerializationException() from error
    # Counting is nearly free, and no body of few brackets is deep.
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH:
        limit_depth(value)
    return value


def limit_depth(value: Any) -> None:
    """Refuse what is nested deeper than the limit, before anything recurses into it."""
    level = [value] if type(value) is dict or type(value) is list else []
    for _ in range(MAX_DEPTH):
        if not level:
            return
        level = [
            child
            for container in level
            for child in (container.values() if type(container) is dict else container)
            if type(child) is dict or type(child) is list
        ]
    raise SerializationException("The body is nested too deeply.")


def dump_json(value: Any) -> bytes:
    """The JSON text of a written value."""
    try:
        return orjson.dumps(value, tree.json_default, _OPTIONS)
    except TypeError:
        # Keys that are members of an enumeration; asking for them always would slow every other answer down.
        return orjson.dumps(value, tree.json_default, _OPTIONS_ANY_KEY)


def _encoded(value: Any) -> orjson.Fragment:
    return orjson.Fragment(dump_json(value))


def json_payload(writers: tree.TreeWriterCompiler, shape: StructureShape) -> EncodePayload:
    """The encoder of a structure as a JSON text of its own."""
    write = writers.compile(shape)
    return lambda value: dump_json(value if write is None else write(value))


class JsonFormat(WireFormat):
    """JSON 1.0 or 1.1, as the service's model says."""

    def __init__(self, model: ServiceModel, protocol: str) -> None:
        super().__init__(model, protocol, as_modelled if model.service_name == "sqs" else lower_first)
        service = model.service_name
        mismatch = dynamodb_type_mismatch if service in CHECKSUMMED else type_mismatch
        self._readers = tree.TreeReaderCompiler(mismatch, blobs_are_bytes=False)
        self._writers = tree.TreeWriterCompiler(
            write_blob=None, write_float=tree.json_float, write_epoch=None, encode=_encoded
        )
        self._content_type = ("content-type", f"application/x-amz-json-{model.metadata.get('jsonVersion', '1.1')}")
        self._is_query_compatible = model.is_query_compatible
        self._namespace = NAMESPACES.get(service)
        self._is_checksummed = service in CHECKSUMMED

    def parser(self, operation: OperationModel) -> Parse:
        shape = operation.input_shape
        if shape is None:
            return lambda request: {}
        read = self._readers.compile(shape)
        complete = self.completion(operation)

        def parse(request: WireRequest) -> dict[str, Any]:
            body = decode_body(request) if "content-encoding" in request.headers else request.body
            return complete(read(parse_json(body)))

        return parse

    def serializer(self, operation: OperationModel) -> Serialize:
        shape = operation.output_shape
        content_type = self._content_type
        if shape is None:
            return lambda result, request_id: WireResponse(200, (content_type, ("x-amzn-requestid", request_id)), b"")
        if shape.event_stream_name:
            return self._event_stream(shape)
        write = self._writers.compile(shape)
        is_checksummed = self._is_checksummed

        def serialize(result: Mapping[str, Any], request_id: str) -> WireResponse:
            body = dump_json(result if write is None else write(result))
            if is_checksummed:
                checksum = ("x-amz-crc32", str(zlib.crc32(body)))
                return WireResponse(200, (content_type, ("x-amzn-requestid", request_id), checksum), body)
            return WireResponse(200, (content_type, ("x-amzn-requestid", request_id)), body)

        return serialize

    def _event_stream(self, shape: StructureShape) -> Serialize:
        others = [name for name in shape.members if name != shape.event_stream_name]
        write_others = self._writers.members(shape, others)
        return event_stream_serializer(
            shape,
            lambda event: json_payload(self._writers, event),
            self._content_type[1],
            initial=lambda result: dump_json(write_others(result)),
        )

    def serialize_error(self, error: AwsError, request_id: str) -> WireResponse:
        shape = self.error_shape(error)
        members = error_members(error, shape)
        write = self._writers.compile(shape) if shape is not None else None
        if write is not None:
            members = write(members)
        document = {"__type": self._type_of(error), **members, message_name(shape): error.message}
        body = dump_json(document)
        headers = [self._content_type, ("x-amzn-requestid", request_id)]
        if self._is_query_compatible:
            headers.append(("x-amzn-query-error", f"{self.query_code(error)};{fault(error)}"))
        if self._is_checksummed:
            headers.append(("x-amz-crc32", str(zlib.crc32(body))))
        return WireResponse(error.status, tuple(headers), body)

    def _type_of(self, error: AwsError) -> str:
        """The error's shape id, where the service answers in full, else its plain name."""
        if self._namespace is None:
            return error.code
        if self.error_shape(error) is not None:
            return f"{self._namespace}#{error.code}"
        # What AWS's framework answers by itself, before the service sees the request.
        package = "validate" if error.code == "ValidationException" else "service"
        return f"com.amazon.coral.{package}#{error.code}"
