"""FIFO queues: order, groups, deduplication."""

from typing import Any

import pytest
from botocore.exceptions import ClientError


def send(sqs: Any, url: str, body: str, group: str = "g", **options: Any) -> Any:
    return sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group, **options)


def receive(sqs: Any, url: str, **options: Any) -> list[Any]:
    options.setdefault("MaxNumberOfMessages", 10)
    return list(sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=["All"], **options).get("Messages", []))


def bodies(messages: list[Any]) -> list[str]:
    return [message["Body"] for message in messages]


def delete(sqs: Any, url: str, message: Any) -> None:
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def test_messages_of_a_group_come_in_order_with_growing_sequence_numbers(sqs, fifo_url):
    sent = [send(sqs, fifo_url, str(number)) for number in range(5)]
    received = receive(sqs, fifo_url)
    assert bodies(received) == ["0", "1", "2", "3", "4"]
    numbers = [message["Attributes"]["SequenceNumber"] for message in received]
    assert numbers == [answer["SequenceNumber"] for answer in sent] == sorted(numbers)
    assert received[0]["Attributes"]["MessageGroupId"] == "g"


def test_a_group_with_a_message_in_flight_gives_nothing_out_while_others_do(sqs, fifo_url):
    send(sqs, fifo_url, "a1", "a")
    send(sqs, fifo_url, "a2", "a")
    send(sqs, fifo_url, "b1", "b")
    (first,) = receive(sqs, fifo_url, MaxNumberOfMessages=1)
    assert bodies(receive(sqs, fifo_url)) == ["b1"]
    assert receive(sqs, fifo_url) == []
    delete(sqs, fifo_url, first)
    assert bodies(receive(sqs, fifo_url)) == ["a2"]


def test_a_message_that_was_not_deleted_comes_before_those_behind_it(sqs, fifo_url):
    send(sqs, fifo_url, "1")
    send(sqs, fifo_url, "2")
    assert bodies(receive(sqs, fifo_url, MaxNumberOfMessages=1, VisibilityTimeout=1)) == ["1"]
    assert bodies(receive(sqs, fifo_url, WaitTimeSeconds=5)) == ["1", "2"]


def test_the_same_content_is_delivered_once_in_five_minutes_even_after_its_deletion(sqs, fifo_url):
    first = send(sqs, fifo_url, "same")
    delete(sqs, fifo_url, receive(sqs, fifo_url)[0])
    again = send(sqs, fifo_url, "same", "other")
    assert (again["MessageId"], again["SequenceNumber"]) == (first["MessageId"], first["SequenceNumber"])
    assert receive(sqs, fifo_url) == []


def test_after_five_minutes_the_same_content_is_a_new_message(sqs, fifo_url, account):
    from aws_api.services.sqs.fifo import DEDUPLICATION_MS
    from aws_api.services.sqs.models import Deduplication, Queue

    first = send(sqs, fifo_url, "same")
    queue = Queue.objects.get(account_id=account.account_id, name="orders.fifo")
    record = Deduplication.objects.get(queue_id=queue.pk)
    Deduplication.objects.filter(pk=record.pk).update(sent_at_ms=record.sent_at_ms - DEDUPLICATION_MS)
    assert send(sqs, fifo_url, "same")["MessageId"] != first["MessageId"]
    assert bodies(receive(sqs, fifo_url)) == ["same", "same"]


def test_deduplication_ids_count_before_content_and_may_be_scoped_to_groups(sqs):
    attributes = {
        "FifoQueue": "true",
        "DeduplicationScope": "messageGroup",
        "FifoThroughputLimit": "perMessageGroupId",
    }
    url = sqs.create_queue(QueueName="fast.fifo", Attributes=attributes)["QueueUrl"]
    send(sqs, url, "1", "a", MessageDeduplicationId="x")
    send(sqs, url, "2", "a", MessageDeduplicationId="x")
    send(sqs, url, "3", "b", MessageDeduplicationId="x")
    assert bodies(receive(sqs, url)) == ["1", "3"]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({}, "MissingParameter"),
        ({"MessageGroupId": "g"}, "InvalidParameterValue"),
        ({"MessageGroupId": "g g", "MessageDeduplicationId": "d"}, "InvalidParameterValue"),
        ({"MessageGroupId": "g", "MessageDeduplicationId": "d" * 129}, "InvalidParameterValue"),
        ({"MessageGroupId": "g", "MessageDeduplicationId": "d", "DelaySeconds": 2}, "InvalidParameterValue"),
    ],
)
def test_a_send_that_a_fifo_queue_does_not_take_is_refused(sqs, parameters, code):
    url = sqs.create_queue(QueueName="plain.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    with pytest.raises(ClientError) as error:
        sqs.send_message(QueueUrl=url, MessageBody="m", **parameters)
    assert error.value.response["Error"]["Code"] == code


def test_a_lapsed_handle_deletes_nothing_and_says_so(sqs, fifo_url):
    send(sqs, fifo_url, "m")
    (message,) = receive(sqs, fifo_url, VisibilityTimeout=0)
    with pytest.raises(ClientError, match="The receipt handle has expired"):
        delete(sqs, fifo_url, message)
    (message,) = receive(sqs, fifo_url)
    delete(sqs, fifo_url, message)
    delete(sqs, fifo_url, message)


def test_an_attempt_that_is_repeated_gets_the_same_messages_by_the_same_handles(sqs, fifo_url):
    for body in ("1", "2", "3"):
        send(sqs, fifo_url, body)
    first = receive(sqs, fifo_url, MaxNumberOfMessages=2, ReceiveRequestAttemptId="attempt")
    again = receive(sqs, fifo_url, MaxNumberOfMessages=2, ReceiveRequestAttemptId="attempt")
    assert again == first and bodies(first) == ["1", "2"]
    assert receive(sqs, fifo_url, ReceiveRequestAttemptId="another") == []
    for message in first:
        delete(sqs, fifo_url, message)
    assert bodies(receive(sqs, fifo_url, ReceiveRequestAttemptId="attempt")) == ["3"]


def test_an_attempt_is_known_for_five_minutes(sqs, fifo_url, monkeypatch):
    send(sqs, fifo_url, "m")
    (message,) = receive(sqs, fifo_url, VisibilityTimeout=600, ReceiveRequestAttemptId="attempt")
    monkeypatch.setattr("aws_api.services.sqs.fifo.ATTEMPT_MS", -2000)
    assert receive(sqs, fifo_url, ReceiveRequestAttemptId="attempt") == []
    delete(sqs, fifo_url, message)


def test_attempts_are_of_fifo_queues_alone(sqs, queue_url):
    with pytest.raises(ClientError, match="not valid for this queue type"):
        receive(sqs, queue_url, ReceiveRequestAttemptId="attempt")


def test_a_batch_keeps_its_order_and_answers_repeats_with_the_first(sqs, fifo_url):
    entries = [
        {"Id": str(number), "MessageBody": body, "MessageGroupId": "g"} for number, body in enumerate(["a", "b", "a"])
    ]
    answer = sqs.send_message_batch(QueueUrl=fifo_url, Entries=entries)["Successful"]
    assert answer[0]["MessageId"] == answer[2]["MessageId"]
    assert bodies(receive(sqs, fifo_url)) == ["a", "b"]


def test_a_poisonous_head_is_buried_and_its_group_goes_on(sqs, fifo_url, attributes_of):
    dead = sqs.create_queue(QueueName="dead.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    policy = f'{{"deadLetterTargetArn": "{attributes_of(dead)["QueueArn"]}", "maxReceiveCount": 1}}'
    sqs.set_queue_attributes(QueueUrl=fifo_url, Attributes={"RedrivePolicy": policy})
    send(sqs, fifo_url, "poison")
    assert bodies(receive(sqs, fifo_url, VisibilityTimeout=0)) == ["poison"]
    send(sqs, fifo_url, "healthy")
    assert bodies(receive(sqs, fifo_url, MaxNumberOfMessages=1)) == ["healthy"]
    assert bodies(receive(sqs, dead)) == ["poison"]


def test_a_fifo_queue_describes_itself(sqs, fifo_url, attributes_of):
    attributes = attributes_of(fifo_url)
    expected = {
        "FifoQueue": "true",
        "ContentBasedDeduplication": "true",
        "DeduplicationScope": "queue",
        "FifoThroughputLimit": "perQueue",
    }
    assert expected.items() <= attributes.items()
    with pytest.raises(ClientError):
        sqs.create_queue(QueueName="nofifo", Attributes={"FifoQueue": "true"})
