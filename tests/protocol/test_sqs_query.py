"""SQS's old query protocol, whose names today's model has forgotten.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-xml.html
"""

from typing import Any
from urllib.parse import urlencode

import pytest

from aws_api.protocol.plans import Protocol, plan_for
from aws_api.protocol.wire import WireRequest

QUEUE_URL = "http://localhost:4599/000000000000/orders"


@pytest.mark.parametrize(
    ("operation", "fields", "parameters"),
    [
        (
            "CreateQueue",
            {
                "QueueName": "orders",
                "Attribute.1.Name": "VisibilityTimeout",
                "Attribute.1.Value": "40",
                "Tag.1.Key": "team",
                "Tag.1.Value": "a",
            },
            {"QueueName": "orders", "Attributes": {"VisibilityTimeout": "40"}, "tags": {"team": "a"}},
        ),
        (
            "GetQueueAttributes",
            {"QueueUrl": QUEUE_URL, "AttributeName.1": "QueueArn", "AttributeName.2": "DelaySeconds"},
            {"QueueUrl": QUEUE_URL, "AttributeNames": ["QueueArn", "DelaySeconds"]},
        ),
        (
            "SendMessage",
            {
                "QueueUrl": QUEUE_URL,
                "MessageBody": "hi",
                "MessageAttribute.1.Name": "kind",
                "MessageAttribute.1.Value.DataType": "Binary",
                "MessageAttribute.1.Value.BinaryValue": "aGk=",
            },
            {
                "QueueUrl": QUEUE_URL,
                "MessageBody": "hi",
                "MessageAttributes": {"kind": {"DataType": "Binary", "BinaryValue": b"hi"}},
            },
        ),
        (
            "DeleteMessageBatch",
            {
                "QueueUrl": QUEUE_URL,
                "DeleteMessageBatchRequestEntry.1.Id": "a",
                "DeleteMessageBatchRequestEntry.1.ReceiptHandle": "r",
            },
            {"QueueUrl": QUEUE_URL, "Entries": [{"Id": "a", "ReceiptHandle": "r"}]},
        ),
    ],
)
def test_the_old_names_are_read(operation: str, fields: dict[str, str], parameters: dict[str, Any]) -> None:
    request = WireRequest(body=urlencode({"Action": operation, "Version": "2012-11-05", **fields}).encode())
    assert plan_for("sqs", operation, Protocol.QUERY).parse(request) == parameters


def test_the_old_names_are_written() -> None:
    message = {"MessageId": "m", "Body": "hi", "Attributes": {"SenderId": "AIDA"}}
    plan = plan_for("sqs", "ReceiveMessage", Protocol.QUERY)
    assert plan.serialize({"Messages": [message]}, "id").body == (
        b'<ReceiveMessageResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><ReceiveMessageResult>'
        b"<Message><MessageId>m</MessageId><Body>hi</Body>"
        b"<Attribute><Name>SenderId</Name><Value>AIDA</Value></Attribute></Message>"
        b"</ReceiveMessageResult><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></ReceiveMessageResponse>"
    )
    listed = plan_for("sqs", "ListQueues", Protocol.QUERY).serialize({"QueueUrls": ["a", "b"]}, "id").body
    assert isinstance(listed, bytes)
    assert b"<QueueUrl>a</QueueUrl><QueueUrl>b</QueueUrl>" in listed
