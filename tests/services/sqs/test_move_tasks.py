"""Message move tasks: out of the dead-letter queue again."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.waiting import wait_for


@pytest.fixture
def dead(sqs: Any, queue_url: str, attributes_of: Any) -> str:
    """The dead-letter queue of ``orders``, holding three of its messages."""
    url = str(sqs.create_queue(QueueName="dead")["QueueUrl"])
    policy = json.dumps({"deadLetterTargetArn": attributes_of(url)["QueueArn"], "maxReceiveCount": 1})
    sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"RedrivePolicy": policy})
    for body in "abc":
        sqs.send_message(QueueUrl=queue_url, MessageBody=body)
    for _ in range(2):
        sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, VisibilityTimeout=0)
    return url


def status(sqs: Any, arn: str) -> dict[str, Any]:
    return dict(sqs.list_message_move_tasks(SourceArn=arn)["Results"][0])


def finished(sqs: Any, arn: str) -> dict[str, Any] | None:
    task = status(sqs, arn)
    return None if task["Status"] in ("RUNNING", "CANCELLING") else task


def test_messages_go_back_to_where_they_came_from(sqs, queue_url, dead, attributes_of):
    arn = attributes_of(dead)["QueueArn"]
    sqs.start_message_move_task(SourceArn=arn)
    task = wait_for(lambda: finished(sqs, arn), what="the move to finish")
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 3)
    assert task["ApproximateNumberOfMessagesToMove"] == 3
    assert "TaskHandle" not in task
    received = sqs.receive_message(
        QueueUrl=queue_url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["ApproximateReceiveCount"]
    )["Messages"]
    assert sorted(message["Body"] for message in received) == ["a", "b", "c"]
    assert {message["Attributes"]["ApproximateReceiveCount"] for message in received} == {"1"}


def test_messages_go_to_the_queue_that_is_named(sqs, dead, attributes_of):
    target = sqs.create_queue(QueueName="target")["QueueUrl"]
    arn, target_arn = attributes_of(dead)["QueueArn"], attributes_of(target)["QueueArn"]
    sqs.start_message_move_task(SourceArn=arn, DestinationArn=target_arn)
    assert len(sqs.receive_message(QueueUrl=target, MaxNumberOfMessages=10, WaitTimeSeconds=5)["Messages"]) == 3
    assert wait_for(lambda: finished(sqs, arn))["DestinationArn"] == target_arn


def test_a_slow_move_can_be_cancelled_and_is_the_only_one(sqs, dead, attributes_of):
    arn = attributes_of(dead)["QueueArn"]
    handle = sqs.start_message_move_task(SourceArn=arn, MaxNumberOfMessagesPerSecond=1)["TaskHandle"]
    with pytest.raises(ClientError, match="There is already a task running"):
        sqs.start_message_move_task(SourceArn=arn)
    assert status(sqs, arn)["TaskHandle"] == handle
    assert "ApproximateNumberOfMessagesMoved" in sqs.cancel_message_move_task(TaskHandle=handle)
    task = wait_for(lambda: finished(sqs, arn), what="the move to stop")
    assert task["Status"] == "CANCELLED"
    assert task["ApproximateNumberOfMessagesMoved"] < 3
    with pytest.raises(ClientError, match="Only active tasks can be cancelled"):
        sqs.cancel_message_move_task(TaskHandle=handle)


def test_a_move_whose_destination_disappears_fails_and_loses_nothing(sqs, queue_url, dead, attributes_of):
    arn = attributes_of(dead)["QueueArn"]
    sqs.delete_queue(QueueUrl=queue_url)
    other = sqs.create_queue(QueueName="other")["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    sqs.set_queue_attributes(QueueUrl=other, Attributes={"RedrivePolicy": policy})
    sqs.start_message_move_task(SourceArn=arn)
    task = wait_for(lambda: finished(sqs, arn))
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "AWS.SimpleQueueService.NonExistentQueue")
    assert attributes_of(dead)["ApproximateNumberOfMessages"] == "3"


def test_a_move_that_its_process_abandoned_is_taken_over(sqs, queue_url, dead, attributes_of):
    from aws_api.services.sqs.models import MoveTask

    arn = attributes_of(dead)["QueueArn"]
    MoveTask.objects.create(source_arn=arn, to_move=3, started_at_ms=1, leased_until_ms=1)
    assert wait_for(lambda: finished(sqs, arn))["ApproximateNumberOfMessagesMoved"] == 3


def test_moves_that_cannot_be_are_refused(sqs, queue_url, dead, attributes_of):
    arn = attributes_of(dead)["QueueArn"]
    cases: list[tuple[dict[str, Any], str]] = [
        ({"SourceArn": attributes_of(queue_url)["QueueArn"]}, "InvalidParameterValue"),
        ({"SourceArn": f"{arn}x"}, "ResourceNotFoundException"),
        ({"SourceArn": "nonsense"}, "InvalidParameterValue"),
        ({"SourceArn": arn, "DestinationArn": f"{arn}x"}, "ResourceNotFoundException"),
        ({"SourceArn": arn, "MaxNumberOfMessagesPerSecond": 501}, "InvalidParameterValue"),
    ]
    for parameters, code in cases:
        with pytest.raises(ClientError) as error:
            sqs.start_message_move_task(**parameters)
        assert error.value.response["Error"]["Code"] == code, parameters
    with pytest.raises(ClientError, match="Value for parameter TaskHandle is invalid"):
        sqs.cancel_message_move_task(TaskHandle="nonsense")
