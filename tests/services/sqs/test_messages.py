"""Messages of standard queues, through boto3 and the whole gateway."""

import threading
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.waiting import wait_for


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def receive(sqs: Any, url: str, **options: Any) -> list[Any]:
    options.setdefault("MaxNumberOfMessages", 10)
    return list(sqs.receive_message(QueueUrl=url, **options).get("Messages", []))


def test_a_sent_message_is_received_with_its_digest_and_deleted(sqs, queue_url):
    sent = sqs.send_message(QueueUrl=queue_url, MessageBody="héllo")
    (message,) = receive(sqs, queue_url)
    assert message["Body"] == "héllo"
    assert message["MessageId"] == sent["MessageId"]
    assert message["MD5OfBody"] == sent["MD5OfMessageBody"]
    sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    assert receive(sqs, queue_url) == []


def test_messages_are_received_in_the_order_in_which_they_were_sent(sqs, queue_url):
    for number in range(12):
        sqs.send_message(QueueUrl=queue_url, MessageBody=str(number))
    bodies = [message["Body"] for _ in range(2) for message in receive(sqs, queue_url)]
    assert bodies == [str(number) for number in range(12)]


def test_message_attributes_have_the_digest_that_aws_computes(sqs, queue_url):
    attributes = {
        "General": {"DataType": "String", "StringValue": "Kenobi"},
        "Hello": {"DataType": "String", "StringValue": "There"},
        "Help.Me": {"DataType": "String", "StringValue": "Me"},
    }
    sent = sqs.send_message(QueueUrl=queue_url, MessageBody="msg", MessageAttributes=attributes)
    assert sent["MD5OfMessageAttributes"] == "4c360f3fdafd970e05fae2f149d997f5"
    cases = {
        ("All",): "4c360f3fdafd970e05fae2f149d997f5",
        (".*",): "4c360f3fdafd970e05fae2f149d997f5",
        ("Hello", "General"): "fca026605781cb4126a1e9044df24232",
        ("Hello", "Other"): "a311262e065454b75da111d535b8dacd",
        ("Hel.*",): "83fee93c1bcd8b9a5a923ffacdc636c7",
        ("Other",): None,
        (): None,
    }
    for names, digest in cases.items():
        (message,) = receive(sqs, queue_url, VisibilityTimeout=0, MessageAttributeNames=list(names))
        assert message.get("MD5OfMessageAttributes") == digest, names
        assert ("MessageAttributes" in message) == (digest is not None)


def test_a_binary_attribute_comes_back_as_it_went(sqs, queue_url):
    value = b"traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01"
    sqs.send_message(
        QueueUrl=queue_url,
        MessageBody="test",
        MessageAttributes={"attr1": {"DataType": "Binary", "BinaryValue": value}},
    )
    (message,) = receive(sqs, queue_url, MessageAttributeNames=["attr1"])
    assert message["MessageAttributes"]["attr1"]["BinaryValue"] == value
    assert message["MD5OfMessageAttributes"] == "8cbe4db156db8a94db8b801b7addb984"


def test_system_attributes_are_those_asked_for(sqs, queue_url, account):
    header = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-abc"}}
    sent = sqs.send_message(QueueUrl=queue_url, MessageBody="m", MessageSystemAttributes=header)
    assert len(sent["MD5OfMessageSystemAttributes"]) == 32
    (first,) = receive(sqs, queue_url, VisibilityTimeout=0, MessageSystemAttributeNames=["All"])
    attributes = first["Attributes"]
    assert attributes["SenderId"] == account.account_id
    assert attributes["ApproximateReceiveCount"] == "1"
    assert attributes["AWSTraceHeader"] == "Root=1-abc"
    assert abs(int(attributes["SentTimestamp"]) - time.time() * 1000) < 60_000
    (second,) = receive(sqs, queue_url, VisibilityTimeout=0, AttributeNames=["ApproximateReceiveCount"])
    assert second["Attributes"] == {"ApproximateReceiveCount": "2"}
    assert "Attributes" not in receive(sqs, queue_url)[0]


def test_a_received_message_is_hidden_until_its_visibility_timeout_ends(sqs, queue_url, attributes_of):
    sqs.send_message(QueueUrl=queue_url, MessageBody="m")
    assert len(receive(sqs, queue_url, VisibilityTimeout=1)) == 1
    assert receive(sqs, queue_url) == []
    assert attributes_of(queue_url)["ApproximateNumberOfMessagesNotVisible"] == "1"
    started = time.monotonic()
    (again,) = receive(sqs, queue_url, WaitTimeSeconds=5)
    assert again["Body"] == "m"
    assert time.monotonic() - started < 3, "the long poll wakes when the message turns visible"


def test_a_delayed_message_arrives_when_its_time_has_come(sqs, queue_url, attributes_of):
    sqs.send_message(QueueUrl=queue_url, MessageBody="later", DelaySeconds=1)
    assert receive(sqs, queue_url) == []
    assert attributes_of(queue_url)["ApproximateNumberOfMessagesDelayed"] == "1"
    assert receive(sqs, queue_url, WaitTimeSeconds=5)[0]["Body"] == "later"


def test_a_long_poll_wakes_at_once_when_a_message_is_sent(sqs, aws, queue_url):
    received: list[Any] = []
    waiter = threading.Thread(target=lambda: received.extend(receive(aws("sqs"), queue_url, WaitTimeSeconds=20)))
    waiter.start()
    wait_for(lambda: _waits(queue_url), what="the receiver to wait")
    started = time.monotonic()
    sqs.send_message(QueueUrl=queue_url, MessageBody="now")
    waiter.join(10)
    assert [message["Body"] for message in received] == ["now"]
    assert time.monotonic() - started < 2


def test_many_waiting_receivers_share_what_arrives_and_nobody_gets_it_twice(sqs, aws, queue_url):
    received: list[str] = []

    def take() -> None:
        received.extend(message["Body"] for message in receive(aws("sqs"), queue_url, WaitTimeSeconds=3))

    waiters = [threading.Thread(target=take) for _ in range(6)]
    for waiter in waiters:
        waiter.start()
    wait_for(lambda: _waits(queue_url) == 6, what="six receivers to wait")
    entries = [{"Id": str(number), "MessageBody": str(number)} for number in range(10)]
    sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
    for waiter in waiters:
        waiter.join(10)
    assert sorted(received) == sorted(str(number) for number in range(10))


def test_a_long_poll_without_messages_ends_in_time(sqs, queue_url):
    started = time.monotonic()
    assert receive(sqs, queue_url, WaitTimeSeconds=1) == []
    assert 0.9 < time.monotonic() - started < 3


def test_the_queues_own_wait_time_makes_every_receive_a_long_poll(sqs):
    url = sqs.create_queue(QueueName="patient", Attributes={"ReceiveMessageWaitTimeSeconds": "1"})["QueueUrl"]
    started = time.monotonic()
    assert receive(sqs, url) == []
    assert time.monotonic() - started > 0.9


def test_visibility_can_be_changed_while_a_message_is_in_flight_only(sqs, queue_url):
    sqs.send_message(QueueUrl=queue_url, MessageBody="m")
    (message,) = receive(sqs, queue_url)
    change = {"QueueUrl": queue_url, "ReceiptHandle": message["ReceiptHandle"]}
    sqs.change_message_visibility(**change, VisibilityTimeout=0)
    with pytest.raises(ClientError) as error:
        sqs.change_message_visibility(**change, VisibilityTimeout=10)
    assert code_of(error) == "AWS.SimpleQueueService.MessageNotInflight"
    (message,) = receive(sqs, queue_url)
    sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    with pytest.raises(ClientError, match="Message does not exist or is not available") as error:
        sqs.change_message_visibility(**change, VisibilityTimeout=10)
    assert code_of(error) == "InvalidParameterValue"


def test_a_handle_of_an_older_receive_deletes_nothing_and_is_no_error(sqs, queue_url):
    sqs.send_message(QueueUrl=queue_url, MessageBody="m")
    (old,) = receive(sqs, queue_url, VisibilityTimeout=0)
    (new,) = receive(sqs, queue_url, VisibilityTimeout=0)
    sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=old["ReceiptHandle"])
    assert len(receive(sqs, queue_url, VisibilityTimeout=0)) == 1
    assert old["ReceiptHandle"] != new["ReceiptHandle"]


@pytest.mark.parametrize("handle", ["nonsense", "AQEB", "é", ""])
def test_what_is_no_receipt_handle_is_refused(sqs, queue_url, handle):
    with pytest.raises(ClientError) as error:
        sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=handle)
    assert code_of(error) == "ReceiptHandleIsInvalid"


def test_a_handle_of_another_queue_is_refused(sqs, queue_url):
    other = sqs.create_queue(QueueName="other")["QueueUrl"]
    sqs.send_message(QueueUrl=queue_url, MessageBody="m")
    (message,) = receive(sqs, queue_url)
    with pytest.raises(ClientError) as error:
        sqs.delete_message(QueueUrl=other, ReceiptHandle=message["ReceiptHandle"])
    assert code_of(error) == "ReceiptHandleIsInvalid"


def test_a_batch_answers_for_each_entry(sqs, queue_url):
    answer = sqs.send_message_batch(
        QueueUrl=queue_url,
        Entries=[
            {"Id": "good", "MessageBody": "fine"},
            {"Id": "bad", "MessageBody": "control \x01"},
            {"Id": "late", "MessageBody": "x", "DelaySeconds": 901},
        ],
    )
    assert [entry["Id"] for entry in answer["Successful"]] == ["good"]
    failures = {entry["Id"]: (entry["Code"], entry["SenderFault"]) for entry in answer["Failed"]}
    assert failures == {"bad": ("InvalidMessageContents", True), "late": ("InvalidParameterValue", True)}
    (message,) = receive(sqs, queue_url)
    handle = message["ReceiptHandle"]
    changed = sqs.change_message_visibility_batch(
        QueueUrl=queue_url,
        Entries=[
            {"Id": "a", "ReceiptHandle": handle, "VisibilityTimeout": 60},
            {"Id": "b", "ReceiptHandle": "nonsense", "VisibilityTimeout": 60},
        ],
    )
    assert [entry["Id"] for entry in changed["Successful"]] == ["a"]
    assert [entry["Code"] for entry in changed["Failed"]] == ["ReceiptHandleIsInvalid"]
    deleted = sqs.delete_message_batch(
        QueueUrl=queue_url,
        Entries=[{"Id": "a", "ReceiptHandle": handle}, {"Id": "b", "ReceiptHandle": "nonsense"}],
    )
    assert [entry["Id"] for entry in deleted["Successful"]] == ["a"]
    assert [entry["Id"] for entry in deleted["Failed"]] == ["b"]


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "EmptyBatchRequest"),
        ([{"Id": str(n), "MessageBody": "x"} for n in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "a", "MessageBody": "x"}] * 2, "BatchEntryIdsNotDistinct"),
        ([{"Id": "a:b", "MessageBody": "x"}], "InvalidBatchEntryId"),
        ([{"Id": "", "MessageBody": "x"}], "InvalidBatchEntryId"),
        ([{"Id": str(n), "MessageBody": "x" * 600_000} for n in range(2)], "BatchRequestTooLong"),
    ],
)
def test_a_batch_that_is_wrong_as_a_whole_is_refused(sqs, queue_url, entries, code):
    with pytest.raises(ClientError) as error:
        sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
    assert code_of(error) == f"AWS.SimpleQueueService.{code}"
    assert receive(sqs, queue_url) == []


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"MessageBody": ""}, "MissingParameter"),
        ({"MessageBody": "nul \x00"}, "InvalidMessageContents"),
        ({"MessageBody": "\ufffe"}, "InvalidMessageContents"),
        ({"MessageBody": "x" * 1_048_577}, "InvalidParameterValue"),
        ({"MessageBody": "x", "DelaySeconds": -1}, "InvalidParameterValue"),
        ({"MessageBody": "x", "MessageDeduplicationId": "a"}, "InvalidParameterValue"),
        ({"MessageBody": "x", "MessageAttributes": {"a": {"DataType": "Strange"}}}, "InvalidParameterValue"),
        ({"MessageBody": "x", "MessageAttributes": {"a": {"DataType": "String"}}}, "InvalidParameterValue"),
        (
            {"MessageBody": "x", "MessageAttributes": {"AWS.a": {"DataType": "String", "StringValue": "a"}}},
            "InvalidParameterValue",
        ),
        (
            {"MessageBody": "x", "MessageAttributes": {"a": {"DataType": "Number", "StringValue": "one"}}},
            "InvalidParameterValue",
        ),
        (
            {
                "MessageBody": "x",
                "MessageAttributes": {str(n): {"DataType": "String", "StringValue": "a"} for n in range(11)},
            },
            "InvalidParameterValue",
        ),
    ],
)
def test_a_message_that_sqs_does_not_take_is_refused(sqs, queue_url, parameters, code):
    with pytest.raises(ClientError) as error:
        sqs.send_message(QueueUrl=queue_url, **parameters)
    assert code_of(error) == code
    assert receive(sqs, queue_url) == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"MaxNumberOfMessages": 0},
        {"MaxNumberOfMessages": 11},
        {"WaitTimeSeconds": 21},
        {"WaitTimeSeconds": -1},
        {"VisibilityTimeout": -1},
        {"VisibilityTimeout": 43_201},
    ],
)
def test_a_receive_beyond_the_limits_is_refused(sqs, queue_url, parameters):
    with pytest.raises(ClientError) as error:
        sqs.receive_message(QueueUrl=queue_url, **parameters)
    assert code_of(error) == "InvalidParameterValue"


def test_a_message_of_the_largest_size_passes(sqs, queue_url):
    body = "x" * 1_048_576
    sqs.send_message(QueueUrl=queue_url, MessageBody=body)
    assert receive(sqs, queue_url)[0]["Body"] == body


def test_a_queues_own_limit_holds_for_its_messages(sqs):
    url = sqs.create_queue(QueueName="small", Attributes={"MaximumMessageSize": "1024"})["QueueUrl"]
    with pytest.raises(ClientError, match="Message must be shorter than 1024 bytes"):
        sqs.send_message(QueueUrl=url, MessageBody="x" * 1025)


def test_a_message_received_too_often_goes_to_the_dead_letter_queue(sqs, queue_url, attributes_of):
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = attributes_of(dead)["QueueArn"]
    policy = f'{{"deadLetterTargetArn": "{arn}", "maxReceiveCount": "2"}}'
    sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"RedrivePolicy": policy})
    sqs.send_message(QueueUrl=queue_url, MessageBody="poison")
    for _ in range(2):
        assert len(receive(sqs, queue_url, VisibilityTimeout=0)) == 1
    assert receive(sqs, queue_url) == []
    (buried,) = receive(sqs, dead, MessageSystemAttributeNames=["All"], WaitTimeSeconds=2)
    assert buried["Body"] == "poison"
    assert buried["Attributes"]["DeadLetterQueueSourceArn"] == attributes_of(queue_url)["QueueArn"]
    sources = sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"]
    assert sources == [queue_url]


def test_burying_many_does_not_hide_the_message_behind_them(sqs, queue_url, attributes_of):
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    policy = f'{{"deadLetterTargetArn": "{attributes_of(dead)["QueueArn"]}", "maxReceiveCount": 1}}'
    for number in range(5):
        sqs.send_message(QueueUrl=queue_url, MessageBody=str(number))
    assert len(receive(sqs, queue_url, VisibilityTimeout=0)) == 5
    sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"RedrivePolicy": policy})
    sqs.send_message(QueueUrl=queue_url, MessageBody="healthy")
    assert [message["Body"] for message in receive(sqs, queue_url, MaxNumberOfMessages=1)] == ["healthy"]
    assert attributes_of(dead)["ApproximateNumberOfMessages"] == "5"


def test_expired_messages_are_neither_received_nor_counted(sqs, queue_url, attributes_of, account):
    from aws_api.services.sqs.models import Message, Queue

    sqs.send_message(QueueUrl=queue_url, MessageBody="old")
    queue = Queue.objects.get(account_id=account.account_id, name="orders")
    Message.objects.filter(queue_id=queue.pk).update(sent_at_ms=0)
    assert attributes_of(queue_url)["ApproximateNumberOfMessages"] == "0"
    sqs.send_message(QueueUrl=queue_url, MessageBody="new")
    assert [message["Body"] for message in receive(sqs, queue_url, MaxNumberOfMessages=1)] == ["new"]
    assert Message.objects.filter(queue_id=queue.pk).count() == 1


def test_at_the_limit_of_messages_in_flight_a_short_poll_is_refused(sqs, queue_url, monkeypatch):
    from aws_api.services.sqs import store

    monkeypatch.setattr(store, "MAX_IN_FLIGHT", 1)
    for body in "ab":
        sqs.send_message(QueueUrl=queue_url, MessageBody=body)
    assert len(receive(sqs, queue_url, MaxNumberOfMessages=1)) == 1
    with pytest.raises(ClientError) as error:
        receive(sqs, queue_url)
    assert code_of(error) == "OverLimit"
    assert receive(sqs, queue_url, WaitTimeSeconds=1) == []


def _waits(queue_url: str) -> int:
    """How many receivers wait in this process for the account's queue."""
    import asyncio

    from aws_api.core.execution import process_loop
    from aws_api.services.sqs.models import Queue
    from aws_api.services.sqs.waiting import waiting_room

    account_id, name = queue_url.rsplit("/", 2)[1:]
    queue = Queue.objects.get(account_id=account_id, name=name)

    async def count() -> int:
        return waiting_room().count(queue.pk)

    return asyncio.run_coroutine_threadsafe(count(), process_loop()).result(5)
