"""A standard queue behaves as a simple model of one, whatever is done to it."""

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test

EXAMPLES = 15
STEPS = 20
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


@pytest.mark.filterwarnings("default")
def test_a_queue_agrees_with_its_model(sqs):
    run_state_machine_as_test(
        machine(sqs),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
