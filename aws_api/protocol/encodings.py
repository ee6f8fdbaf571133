"""Bodies undone of what HTTP and the SDKs wrapped them in: gzip and aws-chunked."""

import zlib
from collections.abc import AsyncIterator, Iterator

from aws_api.core.errors import AwsError, RequestEntityTooLarge, SerializationException
from aws_api.protocol.failures import error_type
from aws_api.protocol.limits import MAX_INFLATED_BYTES
from aws_api.protocol.wire import WireRequest

IncompleteBody = error_type("IncompleteBody")
UnsupportedMediaType = error_type("UnsupportedMediaTypeException", status=415)

# A chunk's header is its length in hexadecimal and perhaps a signature of 64 digits.
_MAX_CHUNK_HEADER = 256
_MAX_TRAILER = 8 * 1024
_STREAMING = "STREAMING-"

AWS_CHUNKED = "aws-chunked"


def decode_body(request: WireRequest, *, keeps_encoding: bool = False) -> bytes:
    """The body as the operation's model describes it; signatures of chunks are not verified here.

    ``keeps_encoding`` where the operation stores objects: a content encoding is then the object's own.
    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
    """
    encodings = _encodings(request, keeps_encoding=keeps_encoding)
    body = request.body
    if AWS_CHUNKED in encodings:
        body = b"".join(_ChunkDecoder().feed_last(body))
    for encoding in reversed(encodings):
        if encoding == "gzip":
            body = inflate(body)
    return body


async def decode_stream(request: WireRequest, *, keeps_encoding: bool = False) -> AsyncIterator[bytes]:
    """The streamed body in pieces, without the frames of aws-chunked; never holds more than a piece."""
    assert request.body_stream is not None
    encodings = _encodings(request, keeps_encoding=keeps_encoding)
    if "gzip" in encodings:
        raise UnsupportedMediaType("A streamed body must not be compressed.")
    if AWS_CHUNKED not in encodings:
        async for piece in request.body_stream:
            yield piece
        return
    decoder = _ChunkDecoder()
    async for piece in request.body_stream:
        for data in decoder.feed(piece):
            yield data
    decoder.finish()


def _encodings(request: WireRequest, *, keeps_encoding: bool) -> list[str]:
    """The content encodings to undo, in the order in which they were applied."""
    headers = request.headers
    named = header_encodings(headers.get("content-encoding", ""))
    is_chunked = AWS_CHUNKED in named or headers.get("x-amz-content-sha256", "").startswith(_STREAMING)
    others = [] if keeps_encoding else [encoding for encoding in named if encoding != AWS_CHUNKED]
    for encoding in others:
        if encoding not in {"gzip", "identity"}:
            raise UnsupportedMediaType(f"The content encoding {encoding[:64]} is not supported.")
    # Chunks are always the outermost.
    return [*others, AWS_CHUNKED] if is_chunked else others


def header_encodings(text: str) -> list[str]:
    """The encodings that a content-encoding header names."""
    return [part.strip().lower() for part in text.split(",") if part.strip()]


def inflate(body: bytes) -> bytes:
    """A gzip body inflated, within the limit; ``SerializationException`` for anything that is not gzip."""
    inflater = zlib.decompressobj(wbits=31)
    try:
        inflated = inflater.decompress(body, MAX_INFLATED_BYTES + 1)
    except zlib.error as error:
        raise SerializationException("The gzip body is malformed.") from error
    if len(inflated) > MAX_INFLATED_BYTES:
        raise RequestEntityTooLarge("The inflated body is too large.")
    if not inflater.eof:
        raise SerializationException("The gzip body is incomplete.")
    return inflated


class _ChunkDecoder:
    """Takes aws-chunked frames in any pieces and gives the data in them.

    ``length;chunk-signature=...\\r\\n data \\r\\n`` repeated, ended by a chunk of length 0 and perhaps trailers.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._remaining = 0
        self._in_data = False
        self._ended = False

    def feed_last(self, body: bytes) -> Iterator[bytes]:
        """The data of a whole body."""
        yield from self.feed(body)
        self.finish()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The data that a piece completes."""
        self._buffer += piece
        while not self._ended:
            if self._in_data:
                if self._remaining:
                    data = bytes(self._buffer[: self._remaining])
                    if not data:
                        return
                    del self._buffer[: len(data)]
                    self._remaining -= len(data)
                    yield data
                    continue
                if len(self._buffer) < 2:
                    return
                if self._buffer[:2] != b"\r\n":
                    raise _malformed()
                del self._buffer[:2]
                self._in_data = False
            end = self._buffer.find(b"\r\n", 0, _MAX_CHUNK_HEADER)
            if end < 0:
                if len(self._buffer) >= _MAX_CHUNK_HEADER:
                    raise _malformed()
                return
            self._remaining = _chunk_length(bytes(self._buffer[:end]))
            del self._buffer[: end + 2]
            if self._remaining == 0:
                self._ended = True
            else:
                self._in_data = True
        if len(self._buffer) > _MAX_TRAILER:
            raise _malformed()

    def finish(self) -> None:
        """Assure that the last chunk came."""
        if not self._ended:
            raise IncompleteBody("You did not provide the number of bytes specified by the Content-Length HTTP header")


def _chunk_length(header: bytes) -> int:
    digits = header.partition(b";")[0].strip()
    if not digits or len(digits) > 8 or digits.strip(b"0123456789abcdefABCDEF"):
        raise _malformed()
    return int(digits, 16)


def _malformed() -> AwsError:
    return error_type("InvalidRequest")("The aws-chunked body is malformed.")
