"""A client of ECS Exec: what the session-manager-plugin does, on a terminal that a test reads and types on."""

import asyncio
import os
import time
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from aws_api.services.ecs.exec.messages import (
    AgentMessage,
    MessageType,
    PayloadType,
    acknowledged_number,
    acknowledgement,
    decode,
    encode,
    read_json,
)

WITHIN_S = 30


class ExecClient:
    """One session. ``screen`` is all that the program printed; ``closed`` the content of the last message."""

    def __init__(self, socket: ClientConnection, session: Mapping[str, str]) -> None:
        self._socket = socket
        self._session = session
        self._sent = 0
        self._expected = 0
        self._out_of_order: dict[int, AgentMessage] = {}
        self._changed = asyncio.Event()
        self.screen = bytearray()
        self.requests: list[Mapping[str, Any]] = []
        self.received: list[AgentMessage] = []
        self.acknowledged: set[int] = set()
        self.closed: Mapping[str, Any] | None = None
        self.is_ready = False
        #: What a test wants of the client: to acknowledge nothing, or to refuse the handshake.
        self.acknowledges = True
        #: Makes the data key of an encrypted session: the key's id and the encryption context to (plain, encrypted).
        self.data_key: Callable[[str, dict[str, str]], tuple[bytes, bytes]] | None = None
        self.target_id = ""
        self.messages_to_user: list[str] = []
        self._sends: AESGCM | None = None
        self._receives: AESGCM | None = None
        self.handshake_status = 1

    @classmethod
    @asynccontextmanager
    async def open(cls, session: Mapping[str, str], token: str | None = None, **wanted: Any) -> AsyncIterator[Self]:
        """The session while the block runs; at its end the connection is cut."""
        async with connect(session["streamUrl"], max_size=None, open_timeout=WITHIN_S) as socket:
            client = cls(socket, session)
            for name, value in wanted.items():
                setattr(client, name, value)
            try:
                await client._begin(token or session["tokenValue"])
                yield client
            finally:
                await client._leave()

    async def lose_connection(self) -> None:
        """End the connection without a word."""
        self._socket.transport.abort()
        await self._reading

    async def resume(self, stream_url: str, token: str) -> None:
        """Go on over a new connection, with everything that was received and sent."""
        self._socket = await connect(stream_url, max_size=None, open_timeout=WITHIN_S)
        await self._begin(token)

    async def _begin(self, token: str) -> None:
        opening = {
            "MessageSchemaVersion": "1.0",
            "RequestId": "3c7f8a3e-0000-4000-8000-000000000000",
            "TokenValue": token,
            "ClientId": "3c7f8a3e-0000-4000-8000-000000000001",
            "ClientVersion": "1.2.707.0",
        }
        await self._socket.send(orjson.dumps(opening).decode())
        self._reading = asyncio.create_task(self._read())

    async def _leave(self) -> None:
        await self._socket.close()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def type(self, text: str) -> None:
        await self.send(PayloadType.OUTPUT, self._encrypt(text.encode()))

    async def resize(self, rows: int, columns: int) -> None:
        await self.send(PayloadType.SIZE, orjson.dumps({"cols": columns, "rows": rows}))

    async def send(self, payload_type: int, payload: bytes, *, number: int | None = None) -> None:
        """The next message of the input's stream; with a number of the test's own, any."""
        if number is None:
            number, self._sent = self._sent, self._sent + 1
        await self.send_message(
            AgentMessage(
                type=MessageType.INPUT, payload=payload, payload_type=payload_type, sequence_number=number, created_ms=1
            )
        )

    async def send_message(self, message: AgentMessage) -> None:
        await self._socket.send(encode(message))

    def skip_number(self) -> int:
        """Take a number of the stream, to be sent by the test itself."""
        self._sent += 1
        return self._sent - 1

    async def shows(self, text: str) -> str:
        """Wait until the screen has a text."""
        await self._until(lambda: text.encode() in self.screen, f"{text!r} on the screen")
        return self.screen.decode(errors="replace")

    async def ready(self) -> None:
        await self._until(lambda: self.is_ready, "the handshake's end")

    async def end(self) -> str:
        """Wait for the session's end; what the client is told to show."""
        await self._until(lambda: self.closed is not None, "the channel's end")
        assert self.closed is not None
        return str(self.closed["Output"])

    async def gone(self) -> None:
        """Wait until the other side has closed the connection."""
        await asyncio.wait_for(self._socket.wait_closed(), WITHIN_S)

    async def until_acknowledged(self, number: int) -> None:
        await self._until(lambda: number in self.acknowledged, f"an acknowledgement of {number}")

    async def _until(self, holds: Any, what: str) -> None:
        deadline = time.monotonic() + WITHIN_S
        while not holds():
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"no {what} within {WITHIN_S} s; the screen: {bytes(self.screen[-2000:])!r}")
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), left)
            except TimeoutError:
                continue

    async def _read(self) -> None:
        try:
            async for frame in self._socket:
                assert isinstance(frame, bytes)
                await self._handle(decode(frame))
                self._changed.set()
        except ConnectionClosed:
            return

    async def _handle(self, message: AgentMessage) -> None:
        if message.type == MessageType.ACKNOWLEDGE:
            self.acknowledged.add(acknowledged_number(message))
        elif message.type == MessageType.CHANNEL_CLOSED:
            self.closed = read_json(message.payload)
        elif message.type == MessageType.OUTPUT:
            self.received.append(message)
            if not self.acknowledges:
                return
            await self._socket.send(encode(acknowledgement(message, created_ms=1)))
            if message.sequence_number >= self._expected:
                self._out_of_order[message.sequence_number] = message
            while self._expected in self._out_of_order:
                await self._take(self._out_of_order.pop(self._expected))
                self._expected += 1

    async def _take(self, message: AgentMessage) -> None:
        if message.payload_type == PayloadType.HANDSHAKE_REQUEST:
            request = read_json(message.payload)
            self.requests.append(request)
            actions = [self._processed(action) for action in request["RequestedClientActions"]]
            response = {"ClientVersion": "1.2.707.0", "ProcessedClientActions": actions, "Errors": None}
            await self.send(PayloadType.HANDSHAKE_RESPONSE, orjson.dumps(response))
        elif message.payload_type == PayloadType.ENCRYPTION_CHALLENGE_REQUEST:
            challenge = self._decrypt(b64decode(read_json(message.payload)["Challenge"]))
            answer = {"Challenge": b64encode(self._encrypt(challenge)).decode()}
            await self.send(PayloadType.ENCRYPTION_CHALLENGE_RESPONSE, orjson.dumps(answer))
        elif message.payload_type == PayloadType.HANDSHAKE_COMPLETE:
            self.messages_to_user.append(str(read_json(message.payload)["CustomerMessage"]))
            self.is_ready = True
        elif message.payload_type == PayloadType.OUTPUT:
            self.screen += self._decrypt(message.payload)

    def _processed(self, action: Mapping[str, Any]) -> Mapping[str, Any]:
        """What became of an action that the handshake asks for."""
        processed = {"ActionType": action["ActionType"], "ActionStatus": self.handshake_status, "Error": ""}
        if action["ActionType"] != "KMSEncryption":
            return processed
        assert self.data_key is not None, "the session is encrypted"
        context = {"aws:ssm:SessionId": self._session["sessionId"], "aws:ssm:TargetId": self.target_id}
        plain, encrypted = self.data_key(action["ActionParameters"]["KMSKeyId"], context)
        self._receives, self._sends = AESGCM(plain[:32]), AESGCM(plain[32:])
        return {**processed, "ActionResult": {"KMSCipherTextKey": b64encode(encrypted).decode()}}

    def _encrypt(self, data: bytes) -> bytes:
        if self._sends is None:
            return data
        nonce = os.urandom(12)
        return nonce + self._sends.encrypt(nonce, data, None)

    def _decrypt(self, data: bytes) -> bytes:
        return data if self._receives is None else self._receives.decrypt(data[:12], data[12:], None)
