"""A session's data channel: a websocket on one side, a program's terminal on the other.

It ends with whichever ends first, the program or the client; a program whose client has gone is ended. A client whose
connection broke may come back for a while, with a token of ResumeSession, and finds everything as it left it.
"""

import asyncio
import logging
import os
import shlex
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.containers import RuntimeFailure
from aws_api.core.terminals import Terminal, open_terminal
from aws_api.services.ecs.exec import messages, sessions
from aws_api.services.ecs.exec.encryption import CHALLENGE_BYTES, ENCRYPTED, CannotEncrypt, Cipher, agreed_cipher
from aws_api.services.ecs.exec.messages import AgentMessage, MalformedMessage, MessageType, PayloadType
from aws_api.services.ecs.exec.sessions import Session
from aws_api.services.ecs.exec.streams import Incoming, NobodyListens, Outgoing
from aws_api.services.ecs.exec.transcripts import Transcript

#: The agent's payloads: clients may have buffers of that size.
PAYLOAD_BYTES = 1024
AGENT_VERSION = "3.3.987.0"
SESSION_TYPE = "InteractiveCommands"
#: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html: the idle timeout is 20 minutes.
IDLE_TIMEOUT_S = 20 * 60.0
_OPEN_WITHIN_S = 10
_HANDSHAKE_WITHIN_S = 30
_TICK_S = 0.1
#: How long a client may take for the last of the output when the program has ended.
_DELIVER_WITHIN_S = 60
_EXIT_CODE_WITHIN_S = 2
#: How long a client that was told of the end may take to leave by itself.
_LINGER_S = 2
#: Typed and not taken by the program; who types on then waits.
_MAX_INPUT_MESSAGES = 1000

#: Websocket close codes: 1000 all is said, 1008 whoever it is may not, 1002 it is no such protocol.
_NORMAL, _PROTOCOL_ERROR, _REFUSED = 1000, 1002, 1008
#: What servers say of a websocket that ended without a word, or without its reason.
_BROKEN = (1005, 1006)
_IDLE = "Your session timed out due to inactivity."

_log = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class ClientGone(Exception):
    """The client closed the websocket."""


class ConnectionBroken(ClientGone):
    """The websocket ended without a word: its client may want to go on."""


class Refused(Exception):
    """The session cannot begin, or go on; the message is for its user."""


async def serve(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
    """Serve one websocket from its connection to its end. The path's last part is the session's id."""
    if (await receive())["type"] != "websocket.connect":
        return
    await send({"type": "websocket.accept"})
    connection = _Connection(receive=receive, send=send)
    try:
        async with asyncio.timeout(_OPEN_WITHIN_S):
            channel = await _opened(scope["path"].rpartition("/")[2], connection)
    except (ClientGone, TimeoutError, MalformedMessage):
        channel = None
    if channel is None:
        await _close(send, _REFUSED)
    else:
        await connection.is_over.wait()
        await _close(send, _NORMAL)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Connection:
    """A websocket, which is served for as long as its session has it."""

    receive: Receive
    send: Send
    is_over: asyncio.Event = field(default_factory=asyncio.Event)


#: This process's open sessions by their ids.
_channels: dict[str, "DataChannel"] = {}


async def _opened(session_id: str, connection: _Connection) -> "DataChannel | None":
    """The session that a client's first message, OpenDataChannel, has the token of; opened, or gone on with."""
    token, now = messages.read_json(await _frame(connection.receive)).get("TokenValue"), SYSTEM_CLOCK.now()
    if not isinstance(token, str):
        return None
    if sessions.may_resume(session_id, token, now):
        if (channel := _channels.get(session_id)) is not None:
            channel.resume(connection)
        return channel
    session = await sessions.open_session(session_id, token, now)
    return DataChannel.start(session, connection) if session else None


async def _frame(receive: Receive) -> bytes:
    """The next frame, text or binary. Raises ClientGone."""
    event = await receive()
    if event["type"] != "websocket.receive":
        raise ConnectionBroken if event.get("code") in _BROKEN else ClientGone
    text = event.get("text")
    return text.encode() if text is not None else bytes(event.get("bytes") or b"")


async def _close(send: Send, code: int) -> None:
    # The client may have closed already.
    with suppress(RuntimeError, OSError):
        await send({"type": "websocket.close", "code": code})


class DataChannel:
    """One opened session."""

    def __init__(self, session: Session, connection: _Connection) -> None:
        self._session = session
        self._connection = connection
        self._is_broken = False
        self._is_resumed = asyncio.Event()
        self._outgoing = Outgoing()
        self._incoming = Incoming()
        self._terminal: Terminal | None = None
        self._is_open = asyncio.Event()
        self._exit_code: int | None = None
        self._transcript = Transcript(session)
        self._input: asyncio.Queue[AgentMessage] = asyncio.Queue(_MAX_INPUT_MESSAGES)
        #: What the handshake waits for, by the type of its payload.
        self._answers: dict[int, asyncio.Future[bytes]] = {}
        self._cipher: Cipher | None = None
        self._may_publish = asyncio.Event()
        self._may_publish.set()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._last_activity = time.monotonic()
        self._last_renewal = time.monotonic()

    @classmethod
    def start(cls, session: Session, connection: _Connection) -> "DataChannel":
        """A channel that runs in a task of its own: it may outlive its connection."""
        channel = _channels[session.session_id] = cls(session, connection)
        running = asyncio.create_task(channel.run(), name=f"data channel {session.session_id}")
        running.add_done_callback(channel._over)
        return channel

    def resume(self, connection: _Connection) -> None:
        """Go on over another connection. The one before may be broken and nobody here know of it yet."""
        self._connection.is_over.set()
        self._connection, self._is_broken = connection, False
        self._is_resumed.set()

    def _over(self, running: "asyncio.Task[None]") -> None:
        del _channels[self._session.session_id]
        self._connection.is_over.set()
        if not running.cancelled() and (error := running.exception()) is not None:
            _log.error("the session %s broke off", self._session.session_id, exc_info=error)

    async def run(self) -> None:
        """Until the program or the client is gone."""
        listening = asyncio.create_task(self._listen(), name="data channel input")
        working = asyncio.create_task(self._work(), name="data channel output")
        others = (
            asyncio.create_task(self._type(), name="data channel typing"),
            asyncio.create_task(self._tick(), name="data channel clock"),
        )
        close_code = _NORMAL
        try:
            await asyncio.wait((listening, working, *others), return_when=asyncio.FIRST_COMPLETED)
            ended = next(task for task in (working, listening, *others) if task.done())
            close_code = await self._say_goodbye(ended.exception())
        finally:
            for task in (working, *others):
                task.cancel()
            await asyncio.gather(working, *others, return_exceptions=True)
            await self._end()
            # Who closes at once may cut the client off from the last messages while it acknowledges those before.
            await asyncio.wait([listening], timeout=_LINGER_S)
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await _close(self._connection.send, close_code)

    async def _end(self) -> None:
        try:
            if self._terminal is not None:
                await self._terminal.close()
        except RuntimeFailure as failure:
            _log.warning("the program of %s may run on: %s", self._session.session_id, failure)
        await self._transcript.finish()
        await sessions.end_session(self._session.session_id, self._exit_code, SYSTEM_CLOCK.now())

    async def _say_goodbye(self, reason: BaseException | None) -> int:
        """Tell the client why the session is over, unless it is the client that has gone; answers the close code."""
        if isinstance(reason, (ClientGone, NobodyListens)):
            return _NORMAL
        if isinstance(reason, MalformedMessage):
            return _PROTOCOL_ERROR
        if isinstance(reason, (Refused, CannotEncrypt, RuntimeFailure)):
            output = str(reason)
        elif reason is not None:
            raise reason
        else:
            output = f"The command exited with code {self._exit_code}." if self._exit_code else ""
        session = self._session
        closed = messages.channel_closed(session.session_id, session.task_arn, output, SYSTEM_CLOCK.epoch_ms())
        await self._send_bytes(messages.encode(closed))
        return _NORMAL

    # From the client --------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        while True:
            connection = self._connection
            try:
                message = messages.decode(await _frame(connection.receive))
            except ClientGone as gone:
                if connection is self._connection:
                    if not isinstance(gone, ConnectionBroken):
                        raise
                    await self._come_back()
                continue
            match message.type:
                case MessageType.INPUT:
                    await self._take_input(message)
                case MessageType.ACKNOWLEDGE:
                    self._outgoing.acknowledge(messages.acknowledged_number(message), now=time.monotonic())
                    if not self._outgoing.is_full:
                        self._has_room.set()
                case MessageType.PAUSE_PUBLICATION:
                    self._may_publish.clear()
                case MessageType.START_PUBLICATION:
                    self._may_publish.set()
                case _:
                    _log.debug("a message of type %s is passed over", message.type)

    async def _come_back(self) -> None:
        """Return when the client has another connection. Raises ClientGone where it does not want one."""
        self._is_broken = True
        self._is_resumed.clear()
        try:
            async with asyncio.timeout(sessions.RESUME_WITHIN_S):
                await self._is_resumed.wait()
        except TimeoutError as error:
            raise ClientGone from error

    async def _take_input(self, message: AgentMessage) -> None:
        if self._input.full():
            return  # not acknowledged, so it comes again
        received = self._incoming.receive(message)
        if received.is_acknowledged:
            acknowledgement = messages.acknowledgement(message, SYSTEM_CLOCK.epoch_ms())
            await self._send_bytes(messages.encode(acknowledgement))
        for each in received.ready:
            self._last_activity = time.monotonic()
            if each.payload_type in (PayloadType.HANDSHAKE_RESPONSE, PayloadType.ENCRYPTION_CHALLENGE_RESPONSE):
                answer = self._answers.pop(each.payload_type, None)
                if answer is not None and not answer.done():
                    answer.set_result(each.payload)
            elif (
                each.payload_type == PayloadType.FLAG
                and messages.session_flag(each.payload) == messages.SessionFlag.TERMINATE_SESSION
            ):
                raise Refused("The session was terminated.")
            else:
                await self._input.put(each)

    async def _type(self) -> None:
        """Hand the program what the client typed, in order."""
        await self._is_open.wait()
        assert self._terminal is not None
        terminal = self._terminal
        while True:
            message = await self._input.get()
            if message.payload_type == PayloadType.OUTPUT:
                await terminal.write(self._cipher.decrypt(message.payload) if self._cipher else message.payload)
            elif message.payload_type == PayloadType.SIZE:
                size = messages.size_of(message.payload)
                await terminal.resize(size.rows, size.columns)

    # To the client ----------------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        """Shake hands, run the program and deliver its output."""
        await self._shake_hands()
        terminal = self._terminal = await open_terminal(self._session.engine_container, self._command())
        await sessions.note_program(self._session.session_id, terminal.program)
        self._is_open.set()
        self._transcript.start()
        while data := await terminal.read():
            self._transcript.add(data)
            for start in range(0, len(data), PAYLOAD_BYTES):
                await self._publish(PayloadType.OUTPUT, data[start : start + PAYLOAD_BYTES])
        self._exit_code = await _exit_code(terminal)
        await self._publish(PayloadType.OUTPUT, b"", is_last=True)
        await self._delivered()

    def _command(self) -> list[str]:
        """The command in words, as AWS's agent parts it: no shell reads it."""
        try:
            words = shlex.split(self._session.command)
        except ValueError as error:
            raise Refused(f"Failed to parse commands input: {error}") from error
        if not words:
            raise Refused("Failed to parse commands input: it is empty")
        return words

    async def _shake_hands(self) -> None:
        started_ns = time.monotonic_ns()
        request = messages.handshake_request(
            AGENT_VERSION, SESSION_TYPE, {"commands": self._session.command}, self._session.kms_key_id
        )
        try:
            async with asyncio.timeout(_HANDSHAKE_WITHIN_S):
                response = await self._asked(PayloadType.HANDSHAKE_REQUEST, request, PayloadType.HANDSHAKE_RESPONSE)
                if problem := messages.handshake_problem(response):
                    raise Refused(f"Handshake failed: {problem}")
                cipher = await self._agree(response) if self._session.kms_key_id else None
        except TimeoutError as error:
            raise Refused(
                "Handshake timed out. Please ensure that you have the latest version of the plugin."
            ) from error
        complete = messages.handshake_complete(time.monotonic_ns() - started_ns, ENCRYPTED if cipher else "")
        await self._publish(PayloadType.HANDSHAKE_COMPLETE, complete)
        self._cipher = cipher

    async def _agree(self, response: bytes) -> Cipher:
        """The cipher of the key that the client had made, once the client has shown that it has it too."""
        cipher = await agreed_cipher(self._session, messages.agreed_data_key(response))
        challenge = os.urandom(CHALLENGE_BYTES)
        answer = await self._asked(
            PayloadType.ENCRYPTION_CHALLENGE_REQUEST,
            messages.encryption_challenge(cipher.encrypt(challenge)),
            PayloadType.ENCRYPTION_CHALLENGE_RESPONSE,
        )
        if cipher.decrypt(messages.challenge_of(answer)) != challenge:
            raise CannotEncrypt("Encryption challenge does not match.")
        return cipher

    async def _asked(self, question: PayloadType, payload: bytes, answer: PayloadType) -> bytes:
        """What the client answers to a question of the handshake."""
        waiting: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._answers[answer] = waiting
        await self._publish(question, payload)
        return await waiting

    async def _publish(self, payload_type: PayloadType, payload: bytes, *, is_last: bool = False) -> None:
        """Send the stream's next message, once the client lets us and has taken enough of those before."""
        await self._may_publish.wait()
        if self._outgoing.is_full:
            self._has_room.clear()
            await self._has_room.wait()
        if payload_type == PayloadType.OUTPUT and self._cipher is not None:
            payload = self._cipher.encrypt(payload)
        now = time.monotonic()
        self._last_activity = now
        await self._send_bytes(
            self._outgoing.add(payload_type, payload, now=now, created_ms=SYSTEM_CLOCK.epoch_ms(), is_last=is_last)
        )

    async def _delivered(self) -> None:
        """Return when the client has acknowledged everything, or takes too long."""
        deadline = time.monotonic() + _DELIVER_WITHIN_S
        while not self._outgoing.is_empty and time.monotonic() < deadline:
            await asyncio.sleep(_TICK_S / 10)

    async def _tick(self) -> None:
        """Send again what was not acknowledged, and watch the time. Raises Refused, NobodyListens."""
        while True:
            await asyncio.sleep(_TICK_S)
            now = time.monotonic()
            if (data := self._outgoing.due(now=now)) is not None:
                await self._send_bytes(data)
            if now - self._last_activity > IDLE_TIMEOUT_S:
                raise Refused(_IDLE)
            if now - self._last_renewal > sessions.RENEW_EVERY_S:
                self._last_renewal = now
                await sessions.renew(self._session.session_id, SYSTEM_CLOCK.now())

    async def _send_bytes(self, data: bytes) -> None:
        if self._is_broken:
            return  # what is not acknowledged is sent again to who comes back
        try:
            await self._connection.send({"type": "websocket.send", "bytes": data})
        except (RuntimeError, OSError):
            # The server's word for a websocket that is closed; who listens knows how.
            _log.debug("a message of %s finds no connection", self._session.session_id)


async def _exit_code(terminal: Terminal) -> int | None:
    """What the program ended with: the engine notes it a moment after the last output."""
    deadline = time.monotonic() + _EXIT_CODE_WITHIN_S
    while (code := await terminal.exit_code()) is None and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    return code
