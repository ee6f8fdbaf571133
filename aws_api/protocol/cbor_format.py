"""Smithy's RPC v2 over CBOR: the operation in the path, CBOR bodies.

https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

import cbor2
from botocore.model import OperationModel, ServiceModel, StructureShape

from aws_api.core.errors import AwsError, SerializationException
from aws_api.protocol import tree
from aws_api.protocol.encodings import decode_body
from aws_api.protocol.event_stream import event_stream_serializer
from aws_api.protocol.failures import type_mismatch
from aws_api.protocol.formats import Parse, Serialize, WireFormat, error_members, fault, message_name
from aws_api.protocol.limits import MAX_DEPTH
from aws_api.protocol.models import NAMESPACES
from aws_api.protocol.timestamps import write_epoch
from aws_api.protocol.validation import lower_first
from aws_api.protocol.wire import WireRequest, WireResponse

_CONTENT_TYPE = "application/cbor"
_HEADERS = (("content-type", _CONTENT_TYPE), ("smithy-protocol", "rpc-v2-cbor"))
_EPOCH_TAG = 1

# What the library would make of tags besides the one that Smithy uses: shared references, patterns, big numbers.
_FOREIGN_TAGS = (0, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799)


def _refuse_tag(*_: object) -> NoReturn:
    raise cbor2.CBORDecodeError("unsupported tag")


_DECODERS = dict.fromkeys(_FOREIGN_TAGS, _refuse_tag)


def parse_cbor(body: bytes) -> Any:
    """The value of a CBOR item; an empty body is the empty structure."""
    if not body:
        return {}
    try:
        return cbor2.loads(
            body,
            tag_hook=_refuse_tag,
            semantic_decoders=_DECODERS,
            max_depth=MAX_DEPTH,
            strict_hashable_types=True,
        )
    except cbor2.CBORDecodeError as error:
        raise SerializationException() from error


def _tagged_moment(value: datetime) -> cbor2.CBORTag:
    return cbor2.CBORTag(_EPOCH_TAG, write_epoch(value))


class CborFormat(WireFormat):
    """RPC v2 with CBOR bodies."""

    def __init__(self, model: ServiceModel, protocol: str) -> None:
        super().__init__(model, protocol, lower_first)
        self._readers = tree.TreeReaderCompiler(type_mismatch, blobs_are_bytes=True)
        self._writers = tree.TreeWriterCompiler(write_blob=None, write_float=float, write_epoch=_tagged_moment)
        service = model.service_name
        self._namespace = NAMESPACES.get(service, f"com.amazonaws.{service.replace('-', '')}")

    def parser(self, operation: OperationModel) -> Parse:
        shape = operation.input_shape
        if shape is None:
            return lambda request: {}
        read = self._readers.compile(shape)
        complete = self.completion(operation)

        def parse(request: WireRequest) -> dict[str, Any]:
            body = decode_body(request) if "content-encoding" in request.headers else request.body
            return complete(read(parse_cbor(body)))

        return parse

    def serializer(self, operation: OperationModel) -> Serialize:
        shape = operation.output_shape
        if shape is None:
            return lambda result, request_id: WireResponse(200, (*_HEADERS, ("x-amzn-requestid", request_id)), b"")
        if shape.event_stream_name:
            return self._event_stream(shape)
        write = self._writers.members(shape)

        def serialize(result: Mapping[str, Any], request_id: str) -> WireResponse:
            return WireResponse(200, (*_HEADERS, ("x-amzn-requestid", request_id)), cbor2.dumps(write(result)))

        return serialize

    def _event_stream(self, shape: StructureShape) -> Serialize:
        others = [name for name in shape.members if name != shape.event_stream_name]
        write_others = self._writers.members(shape, others)

        def compile_payload(event: StructureShape) -> Any:
            write = self._writers.members(event)
            return lambda value: cbor2.dumps(write(value))

        return event_stream_serializer(
            shape, compile_payload, _CONTENT_TYPE, initial=lambda result: cbor2.dumps(write_others(result))
        )

    def serialize_error(self, error: AwsError, request_id: str) -> WireResponse:
        shape = self.error_shape(error)
        members = error_members(error, shape)
        write = self._writers.compile(shape) if shape is not None else None
        if write is not None:
            members = write(members)
        document = {"__type": f"{self._namespace}#{error.code}", **members, message_name(shape): error.message}
        headers = [*_HEADERS, ("x-amzn-requestid", request_id)]
        if self.model.is_query_compatible:
            headers.append(("x-amzn-query-error", f"{self.query_code(error)};{fault(error)}"))
        return WireResponse(error.status, tuple(headers), cbor2.dumps(document))
