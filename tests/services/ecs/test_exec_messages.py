"""The data channel's messages and streams, whatever comes over the wire."""

import uuid

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_api.services.ecs.exec import messages
from aws_api.services.ecs.exec.messages import AgentMessage, MalformedMessage, decode, encode
from aws_api.services.ecs.exec.streams import GIVE_UP_S, MAX_UNACKNOWLEDGED, Incoming, NobodyListens, Outgoing

agent_messages = st.builds(
    AgentMessage,
    type=st.sampled_from(list(messages.MessageType)).map(str),
    payload=st.binary(max_size=2000),
    payload_type=st.integers(0, 2**32 - 1),
    sequence_number=st.integers(0, 2**63 - 1),
    flags=st.integers(0, 2**64 - 1),
    created_ms=st.integers(0, 2**64 - 1),
    id=st.uuids(),
    schema_version=st.integers(0, 2**32 - 1),
)


@given(agent_messages)
def test_a_message_is_read_as_it_was_written(message: AgentMessage) -> None:
    assert decode(encode(message)) == message


@given(st.binary(max_size=400))
def test_bytes_that_are_no_message_are_refused_as_such(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        decode(data)


@given(agent_messages.filter(lambda message: message.payload), st.data())
def test_a_damaged_payload_is_noticed(message: AgentMessage, data: st.DataObject) -> None:
    damaged = bytearray(encode(message))
    damaged[data.draw(st.integers(120, len(damaged) - 1))] ^= 1
    with pytest.raises(MalformedMessage):
        decode(bytes(damaged))


def test_a_message_has_the_plugins_layout() -> None:
    data = encode(
        AgentMessage(
            type="input_stream_data",
            payload=b"ls\r",
            payload_type=1,
            sequence_number=7,
            flags=2,
            created_ms=1_700_000_000_000,
            id=uuid.UUID("dd01e56b-ff48-483e-a508-b5f073f31b16"),
        )
    )
    assert data[:4] == (116).to_bytes(4, "big")
    assert data[4:36] == b"input_stream_data               "
    assert data[36:40] == b"\0\0\0\1"
    assert data[40:48] == (1_700_000_000_000).to_bytes(8, "big")
    assert data[48:64] == (7).to_bytes(8, "big") + (2).to_bytes(8, "big")
    assert data[64:80].hex() == "a508b5f073f31b16" + "dd01e56bff48483e", "the id's second half comes first"
    assert data[112:] == b"\0\0\0\1" + b"\0\0\0\3" + b"ls\r"


def test_a_type_that_is_padded_with_nothing_is_read_too() -> None:
    data = bytearray(encode(AgentMessage(type="acknowledge")))
    data[4:36] = b"acknowledge".ljust(32, b"\0")
    assert decode(bytes(data)).type == "acknowledge"


@pytest.mark.parametrize("payload", [b"", b"[]", b'{"cols": 0, "rows": 5}', b'{"cols": "80", "rows": 24}', b"\xff"])
def test_a_size_that_is_none_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedMessage):
        messages.size_of(payload)


def test_a_client_that_takes_not_every_action_ends_the_handshake() -> None:
    action = {"ActionType": "SessionType", "ActionStatus": 2, "Error": "no such session type"}
    assert messages.handshake_problem(orjson.dumps({"ProcessedClientActions": [action]})) == "no such session type"
    fine = {"ProcessedClientActions": [{"ActionType": "SessionType", "ActionStatus": 1}], "Errors": None}
    assert messages.handshake_problem(orjson.dumps(fine)) == ""


@given(st.permutations(range(12)), st.lists(st.integers(0, 11), max_size=20))
def test_messages_are_taken_in_order_and_once(order: list[int], again: list[int]) -> None:
    incoming, taken = Incoming(), []
    for number in [*order, *again]:
        received = incoming.receive(AgentMessage(type="input_stream_data", sequence_number=number))
        assert received.is_acknowledged
        taken += [message.sequence_number for message in received.ready]
    assert taken == list(range(12))


def test_messages_far_ahead_are_bounded() -> None:
    incoming = Incoming()
    answers = [incoming.receive(AgentMessage(type="x", sequence_number=number)) for number in range(1, 1002)]
    assert [answer.is_acknowledged for answer in answers] == [True] * 1000 + [False]


def test_what_is_not_acknowledged_is_sent_again_and_at_last_given_up() -> None:
    outgoing = Outgoing()
    first = outgoing.add(1, b"a", now=0.0, created_ms=1)
    second = outgoing.add(1, b"b", now=0.0, created_ms=1)
    assert outgoing.due(now=0.1) is None
    assert outgoing.due(now=0.3) == first
    assert outgoing.due(now=0.4) is None, "not again so soon"
    outgoing.acknowledge(0, now=0.4)
    assert outgoing.due(now=0.5) == second
    outgoing.acknowledge(1, now=0.6)
    assert outgoing.is_empty
    assert outgoing.due(now=9.0) is None
    outgoing.add(1, b"c", now=10.0, created_ms=1)
    with pytest.raises(NobodyListens):
        outgoing.due(now=10.1 + GIVE_UP_S)


@given(st.lists(st.floats(0.0001, 20), min_size=1, max_size=50))
def test_the_wait_for_an_acknowledgement_stays_within_a_second(took: list[float]) -> None:
    outgoing = Outgoing()
    for number, seconds in enumerate(took):
        outgoing.add(1, b"", now=0.0, created_ms=1)
        outgoing.acknowledge(number, now=seconds)
    assert 0.01 <= outgoing.timeout_s <= 1.0


def test_a_client_that_acknowledges_nothing_fills_the_window() -> None:
    outgoing = Outgoing()
    for _ in range(MAX_UNACKNOWLEDGED):
        assert not outgoing.is_full
        outgoing.add(1, b"", now=0.0, created_ms=1)
    assert outgoing.is_full
    outgoing.acknowledge(500, now=0.1)
    assert not outgoing.is_full
