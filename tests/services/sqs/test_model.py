"""Queues behave as simple models of them, whatever is done to them."""

import itertools
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from tests.support.programs import run_programs

_names = itertools.count()


def machine(sqs: Any) -> type[RuleBasedStateMachine]:
    """A machine that works on a fresh queue of the client for each example."""

    class Queue(RuleBasedStateMachine):
        """``visible`` and ``flying`` hold bodies; a timeout of 0 returns a message at once, others not in our time."""

        handles = Bundle("handles")

        def __init__(self) -> None:
            super().__init__()
            self.url = sqs.create_queue(QueueName=f"model-{next(_names)}")["QueueUrl"]
            self.visible: list[str] = []
            self.flying: dict[str, str] = {}
            self.sent = 0

        def body(self) -> str:
            self.sent += 1
            return f"message {self.sent}"

        @rule()
        def send(self) -> None:
            body = self.body()
            sqs.send_message(QueueUrl=self.url, MessageBody=body)
            self.visible.append(body)

        @rule(count=st.integers(1, 10))
        def send_batch(self, count: int) -> None:
            bodies = [self.body() for _ in range(count)]
            entries = [{"Id": str(place), "MessageBody": body} for place, body in enumerate(bodies)]
            assert len(sqs.send_message_batch(QueueUrl=self.url, Entries=entries)["Successful"]) == count
            self.visible += bodies

        @rule(target=handles, wanted=st.integers(1, 10))
        def receive(self, wanted: int) -> Any:
            messages = sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=wanted).get("Messages", [])
            assert len(messages) == min(wanted, len(self.visible))
            for message in messages:
                self.visible.remove(message["Body"])
                self.flying[message["ReceiptHandle"]] = message["Body"]
            return tuple(message["ReceiptHandle"] for message in messages)

        @rule(received=consumes(handles))
        def delete(self, received: tuple[str, ...]) -> None:
            for handle in received:
                sqs.delete_message(QueueUrl=self.url, ReceiptHandle=handle)
                self.flying.pop(handle, None)

        @rule(received=consumes(handles))
        def delete_batch(self, received: tuple[str, ...]) -> None:
            if received:
                entries = [{"Id": str(place), "ReceiptHandle": handle} for place, handle in enumerate(received)]
                assert "Failed" not in sqs.delete_message_batch(QueueUrl=self.url, Entries=entries)
            for handle in received:
                self.flying.pop(handle, None)

        @rule(received=consumes(handles))
        def give_back(self, received: tuple[str, ...]) -> None:
            for handle in received:
                sqs.change_message_visibility(QueueUrl=self.url, ReceiptHandle=handle, VisibilityTimeout=0)
                self.visible.append(self.flying.pop(handle))

        @invariant()
        def counts_agree(self) -> None:
            attributes = sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])["Attributes"]
            assert attributes["ApproximateNumberOfMessages"] == str(len(self.visible))
            assert attributes["ApproximateNumberOfMessagesNotVisible"] == str(len(self.flying))

        def teardown(self) -> None:
            sqs.delete_queue(QueueUrl=self.url)

    return Queue


def fifo_machine(sqs: Any) -> type[RuleBasedStateMachine]:
    """A machine that works on a fresh FIFO queue of the client for each example."""

    class FifoQueue(RuleBasedStateMachine):
        """``kept`` are the messages in their order, as (body, group); ``flying`` those of them that are in flight.

        Bodies are what is deduplicated by: one that was sent before is answered with its first message, gone or not.
        """

        handles = Bundle("handles")

        def __init__(self) -> None:
            super().__init__()
            attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
            self.url = sqs.create_queue(QueueName=f"model-{next(_names)}.fifo", Attributes=attributes)["QueueUrl"]
            self.kept: list[tuple[str, str]] = []
            self.flying: dict[str, tuple[str, str]] = {}
            self.ids: dict[str, str] = {}
            self.sequence = 0

        def note(self, body: str, group: str, answer: dict[str, str]) -> None:
            if body in self.ids:
                assert answer["MessageId"] == self.ids[body]
                return
            assert int(answer["SequenceNumber"]) > self.sequence
            self.ids[body], self.sequence = answer["MessageId"], int(answer["SequenceNumber"])
            self.kept.append((body, group))

        @rule(number=st.integers(0, 40), group=st.sampled_from("abc"))
        def send(self, number: int, group: str) -> None:
            body = f"message {number}"
            self.note(body, group, sqs.send_message(QueueUrl=self.url, MessageBody=body, MessageGroupId=group))

        @rule(
            numbers=st.lists(st.tuples(st.integers(0, 40), st.sampled_from("abc")), min_size=1, max_size=10),
        )
        def send_batch(self, numbers: list[tuple[int, str]]) -> None:
            entries = [
                {"Id": str(place), "MessageBody": f"message {number}", "MessageGroupId": group}
                for place, (number, group) in enumerate(numbers)
            ]
            answers = sqs.send_message_batch(QueueUrl=self.url, Entries=entries)["Successful"]
            for entry, answer in zip(entries, answers, strict=True):
                self.note(entry["MessageBody"], entry["MessageGroupId"], answer)

        @rule(target=handles, wanted=st.integers(1, 10))
        def receive(self, wanted: int) -> Any:
            locked = {group for _, group in self.flying.values()}
            expected = [message for message in self.kept if message[1] not in locked][:wanted]
            messages = sqs.receive_message(
                QueueUrl=self.url, MaxNumberOfMessages=wanted, MessageSystemAttributeNames=["MessageGroupId"]
            ).get("Messages", [])
            found = [(message["Body"], message["Attributes"]["MessageGroupId"]) for message in messages]
            assert found == expected
            self.flying |= {message["ReceiptHandle"]: taken for message, taken in zip(messages, expected, strict=True)}
            return tuple(message["ReceiptHandle"] for message in messages)

        @rule(received=consumes(handles))
        def delete(self, received: tuple[str, ...]) -> None:
            for handle in received:
                sqs.delete_message(QueueUrl=self.url, ReceiptHandle=handle)
                self.kept.remove(self.flying.pop(handle))

        @rule(received=consumes(handles), back=st.sets(st.integers(0, 9)))
        def give_some_back(self, received: tuple[str, ...], back: set[int]) -> None:
            """Those that are given back are to be received again, in their old places; the others are deleted."""
            for place, handle in enumerate(received):
                message = self.flying.pop(handle)
                if place in back:
                    sqs.change_message_visibility(QueueUrl=self.url, ReceiptHandle=handle, VisibilityTimeout=0)
                else:
                    sqs.delete_message(QueueUrl=self.url, ReceiptHandle=handle)
                    self.kept.remove(message)

        @invariant()
        def counts_agree(self) -> None:
            attributes = sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])["Attributes"]
            assert attributes["ApproximateNumberOfMessages"] == str(len(self.kept) - len(self.flying))
            assert attributes["ApproximateNumberOfMessagesNotVisible"] == str(len(self.flying))

        def teardown(self) -> None:
            sqs.delete_queue(QueueUrl=self.url)

    return FifoQueue


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("make", [machine, fifo_machine], ids=["standard", "fifo"])
def test_a_queue_agrees_with_its_model(sqs, make):
    run_programs(make(sqs))
