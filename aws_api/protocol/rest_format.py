"""The REST protocols: members in the path, the query, the headers and the body, which is JSON or XML."""

import base64
import binascii
import re
from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import orjson
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from botocore.utils import is_json_value_header

from aws_api.core.errors import AwsError, SerializationException
from aws_api.protocol import tree
from aws_api.protocol.encodings import AWS_CHUNKED, decode_body, decode_stream, header_encodings
from aws_api.protocol.event_stream import EncodePayload, event_stream_serializer
from aws_api.protocol.failures import MalformedXML, type_mismatch
from aws_api.protocol.formats import Parse, Serialize, WireFormat, error_members, fault, message_name
from aws_api.protocol.json_format import dump_json, json_payload, parse_json
from aws_api.protocol.rest import parse_query, uri_template
from aws_api.protocol.text import TextReader, TextWriter, text_reader, text_writer
from aws_api.protocol.validation import lower_first
from aws_api.protocol.wire import WireRequest, WireResponse
from aws_api.protocol.xml import (
    DECLARATION,
    XmlReaderCompiler,
    XmlWriterCompiler,
    escape,
    namespace_of,
    parse_xml,
)

Headers = list[tuple[str, str]]
#: Puts what one place of a request says into the parameters.
Bind = Callable[[WireRequest, Mapping[str, list[str]], dict[str, Any]], None]
#: Reads the members in a body; gives None for a body that says nothing.
ReadBody = Callable[[bytes], Any]

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_XML_NAMESPACES = {"s3": "http://s3.amazonaws.com/doc/2006-03-01/"}


class RestFormat(WireFormat):
    """What the two REST protocols share: everything but the form of the body."""

    content_type: str
    #: Whether SDKs send an empty document for a payload that their caller did not give.
    empty_is_absent: bool

    def __init__(self, model: ServiceModel, protocol: str) -> None:
        super().__init__(model, protocol, lower_first)

    @abstractmethod
    def read_body(self, shape: StructureShape, names: list[str]) -> ReadBody:
        """Compile the reader of some members of a structure from a whole body."""

    @abstractmethod
    def write_body(self, shape: StructureShape, names: list[str], root: str) -> EncodePayload:
        """Compile the writer of some members of a structure as a whole body."""

    @abstractmethod
    def error_body(self, error: AwsError, shape: StructureShape | None, names: list[str], request_id: str) -> bytes:
        """The body of an error."""

    def parser(self, operation: OperationModel) -> Parse:
        shape = operation.input_shape
        if shape is None:
            return lambda request: {}
        complete = self.completion(operation)
        binds = self._location_binds(operation, shape)
        bind_body = self._bind_body(shape)

        def parse(request: WireRequest) -> dict[str, Any]:
            query = parse_query(request.query) if request.query else {}
            parameters: dict[str, Any] = {}
            for bind in binds:
                bind(request, query, parameters)
            if bind_body is not None:
                bind_body(request, parameters)
            return complete(parameters)

        return parse

    def _location_binds(self, operation: OperationModel, shape: StructureShape) -> list[Bind]:
        template = uri_template(operation.http.get("requestUri", "/"))
        labels: dict[str, tuple[str, TextReader]] = {}
        named_parameters = {name for name, _ in template.literals}
        binds: list[Bind] = []
        for key, member in shape.members.items():
            name = str(member.serialization.get("name", key))
            match member.serialization.get("location"):
                case "uri":
                    labels[name] = (key, text_reader(member, _malformed))
                case "querystring":
                    named_parameters.add(name)
                    binds.append(_bind_query(key, name, member, named_parameters))
                case "header":
                    binds.append(_bind_header(key, name.lower(), header_reader(member)))
                    if name.lower() == "content-encoding":
                        binds.append(_without_chunks(key))
                case "headers":
                    binds.append(_bind_headers(key, name.lower()))

        def bind_labels(request: WireRequest, query: Mapping[str, list[str]], parameters: dict[str, Any]) -> None:
            for name, text in (template.match(request.raw_path) or {}).items():
                label = labels.get(name)
                if label is not None:
                    parameters[label[0]] = label[1](text)

        return [bind_labels, *binds] if labels else binds

    def _bind_body(self, shape: StructureShape) -> Callable[[WireRequest, dict[str, Any]], None] | None:
        payload = shape.serialization.get("payload")
        if payload is not None:
            return self._bind_payload(shape, payload)
        names = body_members(shape)
        if not names:
            return None
        read = self.read_body(shape, names)

        def bind(request: WireRequest, parameters: dict[str, Any]) -> None:
            members = read(decode_body(request))
            if members is not None:
                parameters.update(members)

        return bind

    def _bind_payload(self, parent: StructureShape, key: str) -> Callable[[WireRequest, dict[str, Any]], None]:
        shape = parent.members[key]
        is_required = key in parent.required_members
        if isinstance(shape, StructureShape) and not shape.serialization.get("eventstream"):
            read = self.read_body(shape, list(shape.members))

            def bind_structure(request: WireRequest, parameters: dict[str, Any]) -> None:
                value = read(decode_body(request))
                if value is not None and (value or is_required or not self.empty_is_absent):
                    parameters[key] = value

            return bind_structure

        is_text = shape.type_name == "string"
        keeps_encoding = has_header(parent, "content-encoding")

        def bind(request: WireRequest, parameters: dict[str, Any]) -> None:
            if request.body_stream is not None and not is_text:
                parameters[key] = decode_stream(request, keeps_encoding=keeps_encoding)
                return
            body = decode_body(request, keeps_encoding=keeps_encoding)
            if body or is_required:
                parameters[key] = _text(body) if is_text else body

        return bind

    def serializer(self, operation: OperationModel) -> Serialize:
        shape = operation.output_shape
        status = int(operation.http.get("responseCode", 200))
        if shape is None:
            return lambda result, request_id: WireResponse(status, tuple(self.identify(request_id)), b"")
        if shape.event_stream_name:
            return self._event_stream(shape)
        write_headers = _headers_writer(shape)
        status_member = next(
            (key for key, member in shape.members.items() if member.serialization.get("location") == "statusCode"), None
        )
        write = self._body_writer(operation, shape)

        def serialize(result: Mapping[str, Any], request_id: str) -> WireResponse:
            headers = self.identify(request_id)
            write_headers(result, headers)
            content_type, body = write(result)
            if content_type and not any(name == "content-type" for name, _ in headers):
                headers.append(("content-type", content_type))
            given = result.get(status_member) if status_member is not None else None
            return WireResponse(status if given is None else int(given), tuple(headers), body)

        return serialize

    def _body_writer(
        self, operation: OperationModel, shape: StructureShape
    ) -> Callable[[Mapping[str, Any]], tuple[str, Any]]:
        payload = shape.serialization.get("payload")
        if payload is None:
            names = body_members(shape)
            if not names:
                return lambda result: ("", b"")
            write = self.write_body(shape, names, root_name(shape, operation.name))
            return lambda result: (self.content_type, write(result))
        member = shape.members[payload]
        if isinstance(member, StructureShape):
            write = self.write_body(member, list(member.members), str(member.serialization.get("name", member.name)))

            def write_structure(result: Mapping[str, Any]) -> tuple[str, Any]:
                value = result.get(payload)
                return ("", b"") if value is None else (self.content_type, write(value))

            return write_structure

        content_type = "" if has_header(shape, "content-type") else "application/octet-stream"

        def write_stream(result: Mapping[str, Any]) -> tuple[str, Any]:
            return content_type, _bytes(result.get(payload))

        return write_stream

    def _event_stream(self, shape: StructureShape) -> Serialize:
        def compile_payload(event: StructureShape) -> EncodePayload:
            return self.write_body(event, list(event.members), event.name)

        serialize_stream = event_stream_serializer(shape, compile_payload, self.content_type, initial=None)
        write_headers = _headers_writer(shape)

        def serialize(result: Mapping[str, Any], request_id: str) -> WireResponse:
            response = serialize_stream(result, request_id)
            headers = list(response.headers)
            write_headers(result, headers)
            return WireResponse(response.status, tuple(headers), response.body)

        return serialize

    def serialize_error(self, error: AwsError, request_id: str) -> WireResponse:
        shape = self.error_shape(error)
        headers = [*self.identify(request_id), ("content-type", self.content_type)]
        names: list[str] = []
        if shape is not None:
            names = [name for name in body_members(shape) if name.lower() != "message"]
            _headers_writer(shape)(error_members(error, shape), headers)
        headers.extend(self.error_headers(error))
        status = error.query_status or error.status
        return WireResponse(status, tuple(headers), self.error_body(error, shape, names, request_id))

    def error_headers(self, error: AwsError) -> Headers:
        """Headers that only errors carry."""
        return []

    def identify(self, request_id: str) -> Headers:
        """The headers that carry the request id."""
        return [("x-amzn-requestid", request_id)]


class RestJsonFormat(RestFormat):
    """REST with JSON bodies."""

    content_type = "application/json"
    empty_is_absent = True

    def __init__(self, model: ServiceModel, protocol: str) -> None:
        super().__init__(model, protocol)
        self._readers = tree.TreeReaderCompiler(type_mismatch, blobs_are_bytes=False)
        self._writers = tree.TreeWriterCompiler(write_blob=None, write_float=tree.json_float, write_epoch=None)

    def read_body(self, shape: StructureShape, names: list[str]) -> ReadBody:
        if shape.is_document_type:
            return lambda body: parse_json(body) if body else None
        read = self._readers.members(shape, names)
        return lambda body: read(parse_json(body)) if body else None

    def write_body(self, shape: StructureShape, names: list[str], root: str) -> EncodePayload:
        if shape.is_document_type:
            return json_payload(self._writers, shape)
        write = self._writers.members(shape, names)
        return lambda value: dump_json(write(value))

    def error_headers(self, error: AwsError) -> Headers:
        return [("x-amzn-errortype", error.code)]

    def error_body(self, error: AwsError, shape: StructureShape | None, names: list[str], request_id: str) -> bytes:
        members = error_members(error, shape)
        written = self._writers.members(shape, names)(members) if shape is not None else {}
        return dump_json({**written, message_name(shape): error.message})


class RestXmlFormat(RestFormat):
    """REST with XML bodies."""

    content_type = "application/xml"
    empty_is_absent = False

    def __init__(self, model: ServiceModel, protocol: str) -> None:
        super().__init__(model, protocol)
        self._readers = XmlReaderCompiler()
        self._writers = XmlWriterCompiler({})
        self._is_s3 = model.service_name in {"s3", "s3control"}
        namespace = model.metadata.get("xmlNamespace", _XML_NAMESPACES.get(model.service_name, ""))
        self._xmlns = f' xmlns="{namespace}"' if namespace else ""

    def read_body(self, shape: StructureShape, names: list[str]) -> ReadBody:
        read = self._readers.members(shape, names)
        refuse = self._malformed

        def read_members(body: bytes) -> Any:
            if not body:
                return None
            try:
                return read(parse_xml(body))
            except SerializationException as error:
                raise refuse(error) from error

        return read_members

    def _malformed(self, error: SerializationException) -> AwsError:
        if self._is_s3:
            return MalformedXML(
                "The XML you provided was not well-formed or did not validate against our published schema"
            )
        return error

    def write_body(self, shape: StructureShape, names: list[str], root: str) -> EncodePayload:
        write = self._writers.members(shape, names)
        xmlns = namespace_of(shape) or self._xmlns
        attributes = [
            (key, str(shape.members[key].serialization["name"]))
            for key in names
            if shape.members[key].serialization.get("xmlAttribute")
        ]

        def write_document(value: Any) -> bytes:
            pieces = [f"{DECLARATION}<{root}{xmlns}"]
            for key, name in attributes:
                if value.get(key) is not None:
                    pieces.append(f' {name}="{escape(str(value[key]))}"')
            pieces.append(">")
            write(value, pieces.append)
            pieces.append(f"</{root}>")
            return "".join(pieces).encode()

        return write_document

    def serializer(self, operation: OperationModel) -> Serialize:
        if self._is_s3 and operation.name == "GetBucketLocation":
            return self._serialize_bucket_location
        return super().serializer(operation)

    def _serialize_bucket_location(self, result: Mapping[str, Any], request_id: str) -> WireResponse:
        """S3 answers the bare constraint as the root element, unlike its model; clients expect that."""
        location = escape(result.get("LocationConstraint") or "")
        text = f"{DECLARATION}<LocationConstraint{self._xmlns}>{location}</LocationConstraint>"
        headers = (*self.identify(request_id), ("content-type", self.content_type))
        return WireResponse(200, headers, text.encode())

    def identify(self, request_id: str) -> Headers:
        if self._is_s3:
            return [("x-amz-request-id", request_id), ("x-amz-id-2", request_id)]
        return super().identify(request_id)

    def error_body(self, error: AwsError, shape: StructureShape | None, names: list[str], request_id: str) -> bytes:
        code = f"<Code>{escape(self.query_code(error))}</Code><Message>{escape(error.message)}</Message>"
        pieces = [DECLARATION, "<Error>" if self._is_s3 else f"<ErrorResponse{self._xmlns}><Error>"]
        pieces.append(code if self._is_s3 else f"<Type>{fault(error)}</Type>{code}")
        if shape is not None:
            self._writers.members(shape, names)(error_members(error, shape), pieces.append)
        if self._is_s3:
            for name, value in error.members.items():
                # Bucket, key and resource stand in S3's errors though no shape says so.
                if (shape is None or name not in shape.members) and isinstance(value, str):
                    pieces.append(f"<{name}>{escape(value)}</{name}>")
            pieces.append(f"<RequestId>{escape(request_id)}</RequestId><HostId>{escape(request_id)}</HostId></Error>")
        else:
            pieces.append(f"</Error><RequestId>{escape(request_id)}</RequestId></ErrorResponse>")
        return "".join(pieces).encode()


def body_members(shape: StructureShape) -> list[str]:
    """The members that travel in the body."""
    return [
        key
        for key, member in shape.members.items()
        if member.serialization.get("location") not in {"uri", "querystring", "header", "headers", "statusCode"}
    ]


def has_header(shape: StructureShape, header: str) -> bool:
    """Whether a header is one of the members."""
    return any(
        member.serialization.get("location") == "header" and member.serialization.get("name", "").lower() == header
        for member in shape.members.values()
    )


def root_name(shape: StructureShape, operation: str) -> str:
    """The root element of an answer; clients do not look at it."""
    return str(shape.serialization.get("name", f"{operation}Result"))


def _malformed(text: str, wanted: str) -> AwsError:
    return SerializationException(f"'{text[:128]}' can not be converted to {wanted}")


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise SerializationException("The body is not UTF-8.") from error


def _bytes(value: Any) -> Any:
    """A payload as a body: bytes, text as UTF-8, a stream as it is, nothing as nothing."""
    if value is None:
        return b""
    return value.encode() if isinstance(value, str) else value


def _bind_query(key: str, name: str, shape: Shape, named: set[str]) -> Bind:
    if isinstance(shape, MapShape):
        is_list = isinstance(shape.value, ListShape)

        def bind_rest(request: WireRequest, query: Mapping[str, list[str]], parameters: dict[str, Any]) -> None:
            rest = {item: values if is_list else values[0] for item, values in query.items() if item not in named}
            if rest:
                parameters[key] = rest

        return bind_rest
    if isinstance(shape, ListShape):
        read_item = text_reader(shape.member, _malformed)

        def bind_all(request: WireRequest, query: Mapping[str, list[str]], parameters: dict[str, Any]) -> None:
            if name in query:
                parameters[key] = [read_item(text) for text in query[name]]

        return bind_all
    read = text_reader(shape, _malformed)

    def bind(request: WireRequest, query: Mapping[str, list[str]], parameters: dict[str, Any]) -> None:
        if name in query:
            parameters[key] = read(query[name][0])

    return bind


def _bind_header(key: str, name: str, read: TextReader) -> Bind:
    def bind(request: WireRequest, query: Mapping[str, list[str]], parameters: dict[str, Any]) -> None:
        text = request.headers.get(name)
        if text is not None:
            parameters[key] = read(text)

    return bind


def _without_chunks(key: str) -> Bind:
    """An object's own encoding, without the one that only carried it here."""

    def bind(request: WireRequest, query: Mapping[str, list[str]], parameters: dict[str, Any]) -> None:
        named = header_encodings(parameters.get(key, ""))
        if AWS_CHUNKED in named:
            del parameters[key]
            others = [encoding for encoding in named if encoding != AWS_CHUNKED]
            if others:
                parameters[key] = ",".join(others)

    return bind


def _bind_headers(key: str, prefix: str) -> Bind:
    def bind(request: WireRequest, query: Mapping[str, list[str]], parameters: dict[str, Any]) -> None:
        found = {name[len(prefix) :]: value for name, value in request.headers.items() if name.startswith(prefix)}
        if found:
            parameters[key] = found

    return bind


def header_reader(shape: Shape) -> TextReader:
    """The reader of a header: lists by comma, JSON values in base64."""
    if isinstance(shape, ListShape):
        read_item = text_reader(shape.member, _malformed)
        return lambda text: [read_item(item) for item in split_header(text)]
    if is_json_value_header(shape):
        return _read_json_value
    return text_reader(shape, _malformed)


def _read_json_value(text: str) -> Any:
    try:
        return orjson.loads(binascii.a2b_base64(text.encode()))
    except (binascii.Error, orjson.JSONDecodeError) as error:
        raise SerializationException("The header is not a JSON value.") from error


def split_header(text: str) -> list[str]:
    """The items of a comma-separated header; a quoted one may hold commas and escaped quotes."""
    items: list[str] = []
    current: list[str] = []
    is_quoted = is_escaped = False
    for character in text:
        if is_escaped:
            current.append(character)
            is_escaped = False
        elif is_quoted and character == "\\":
            is_escaped = True
        elif character == '"':
            is_quoted = not is_quoted
        elif character == "," and not is_quoted:
            items.append("".join(current).strip())
            current = []
        else:
            current.append(character)
    items.append("".join(current).strip())
    return items


def _headers_writer(shape: StructureShape) -> Callable[[Mapping[str, Any], Headers], None]:
    writers: dict[str, Callable[[Any, Headers], None]] = {}
    for key, member in shape.members.items():
        name = str(member.serialization.get("name", key)).lower()
        location = member.serialization.get("location")
        if location == "header":
            writers[key] = partial(_write_header, name, header_writer(member))
        elif location == "headers":
            writers[key] = partial(_write_headers, name)
    lookup = writers.get

    def write(result: Mapping[str, Any], headers: Headers) -> None:
        for key, value in result.items():
            write_one = lookup(key)
            if write_one is not None and value is not None:
                write_one(value, headers)

    return write


def _write_header(name: str, write: TextWriter, value: Any, headers: Headers) -> None:
    headers.append((name, header_text(write(value))))


def _write_headers(prefix: str, value: Mapping[str, Any], headers: Headers) -> None:
    headers.extend((header_text(f"{prefix}{key.lower()}"), header_text(str(item))) for key, item in value.items())


def header_text(text: str) -> str:
    """Text as a header can carry it: no line ends, and what is not ASCII as RFC 2047 has it, as S3 does."""
    if text.isascii():
        return text if text.isprintable() else _CONTROL.sub(" ", text)
    return f"=?UTF-8?B?{base64.b64encode(text.encode(errors='replace')).decode()}?="


def header_writer(shape: Shape) -> TextWriter:
    """The writer of a header."""
    if isinstance(shape, ListShape):
        write_item = text_writer(shape.member, "rfc822")
        return lambda value: ",".join(write_item(item) for item in value)
    if is_json_value_header(shape):
        return lambda value: base64.b64encode(orjson.dumps(value)).decode()
    return text_writer(shape, "rfc822")
