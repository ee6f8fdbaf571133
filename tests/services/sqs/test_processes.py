"""Several gateways on one database: wake-ups across processes, the AWS CLI, the query protocol."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

AWS = Path(sys.executable).parent / "aws"


@pytest.fixture
def elsewhere(live_gateway: str, account: Any) -> Any:
    """A client of the same account at a gateway in another process."""
    return boto3.client(
        "sqs",
        endpoint_url=live_gateway,
        region_name="us-east-1",
        aws_access_key_id=account.root_access_key_id,
        aws_secret_access_key=account.root_secret_access_key,
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_a_receiver_in_another_process_wakes_when_a_message_is_sent_here(sqs, elsewhere):
    from aws_api.services.sqs.models import Message

    url = sqs.create_queue(QueueName="shared")["QueueUrl"]
    elsewhere.send_message(QueueUrl=url, MessageBody="warm")
    assert "Messages" in elsewhere.receive_message(QueueUrl=url)
    seconds: list[float] = []
    sent_at: list[float] = []

    def take() -> None:
        answer = elsewhere.receive_message(QueueUrl=url, WaitTimeSeconds=20)
        seconds.append(time.monotonic() - sent_at[0])
        assert answer["Messages"][0]["Body"] == "now"

    waiter = threading.Thread(target=take)
    waiter.start()
    # Nothing tells here that the other process waits; a second is long enough, and too short would test less only.
    waiter.join(1)
    assert waiter.is_alive()
    sent_at.append(time.monotonic())
    sqs.send_message(QueueUrl=url, MessageBody="now")
    waiter.join(15)
    assert seconds and seconds[0] < 2, "woken by the bus, not by the safety interval"
    assert Message.objects.filter(body="now").exists()


def test_a_change_here_holds_in_another_process(sqs, elsewhere):
    url = sqs.create_queue(QueueName="changing")["QueueUrl"]
    elsewhere.send_message(QueueUrl=url, MessageBody="first life")
    sqs.delete_queue(QueueUrl=url)
    sqs.create_queue(QueueName="changing")
    elsewhere.send_message(QueueUrl=url, MessageBody="second life")
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2)["Messages"]
    assert [message["Body"] for message in messages] == ["second life"]


def test_messages_go_around_once_between_two_processes_and_many_consumers(sqs, elsewhere, aws):
    url = sqs.create_queue(QueueName="busy")["QueueUrl"]
    count, received, lock = 200, [], threading.Lock()

    def consume(client: Any) -> None:
        while True:
            messages = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2).get("Messages")
            if not messages:
                return
            with lock:
                received.extend(message["Body"] for message in messages)
            entries = [
                {"Id": str(place), "ReceiptHandle": message["ReceiptHandle"]} for place, message in enumerate(messages)
            ]
            client.delete_message_batch(QueueUrl=url, Entries=entries)

    consumers = [threading.Thread(target=consume, args=(client,)) for client in (sqs, elsewhere, aws("sqs"), elsewhere)]
    for consumer in consumers:
        consumer.start()
    for number in range(count):
        (sqs if number % 2 else elsewhere).send_message(QueueUrl=url, MessageBody=str(number))
    for consumer in consumers:
        consumer.join(60)
    assert sorted(received, key=int) == [str(number) for number in range(count)]


def test_the_aws_cli_works_a_queue(live_gateway, account):
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": account.root_access_key_id,
        "AWS_SECRET_ACCESS_KEY": account.root_secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
    }

    def cli(*arguments: str) -> Any:
        # Version 1 of the CLI heeds AWS_ENDPOINT_URL for other services, but not for SQS.
        command = [AWS, "--endpoint-url", live_gateway, "--output", "json", "sqs", *arguments]
        run = subprocess.run(command, check=False, capture_output=True, env=environment, text=True, timeout=60)
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout) if run.stdout else None

    url = cli("create-queue", "--queue-name", "orders")["QueueUrl"]
    assert url == f"{live_gateway}/{account.account_id}/orders"
    cli("send-message", "--queue-url", url, "--message-body", "from the CLI")
    (message,) = cli("receive-message", "--queue-url", url)["Messages"]
    assert message["Body"] == "from the CLI"
    cli("delete-message", "--queue-url", url, "--receipt-handle", message["ReceiptHandle"])
    assert cli("receive-message", "--queue-url", url) is None


def test_old_clients_speak_the_query_protocol(gateway, account):
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    from tests.support.in_process import ENDPOINT, call

    def query(**parameters: str) -> tuple[int, str]:
        body = "&".join(f"{name}={value}" for name, value in parameters.items()).encode()
        headers = {"host": "localhost:4599", "content-type": "application/x-www-form-urlencoded"}
        request = AWSRequest(method="POST", url=f"{ENDPOINT}/", data=body, headers=headers)
        keys = Credentials(account.root_access_key_id, account.root_secret_access_key)
        SigV4Auth(keys, "sqs", "us-east-1").add_auth(request)
        signed = {name.lower(): value for name, value in request.headers.items()}
        status, _, payload = call(gateway, "POST", "/", headers=signed, body=body)
        return status, payload.decode()

    url = f"http%3A%2F%2Flocalhost%3A4599%2F{account.account_id}%2Fold"
    version = {"Version": "2012-11-05"}
    assert query(Action="CreateQueue", QueueName="old", **version)[0] == 200
    status, sent = query(Action="SendMessage", QueueUrl=url, MessageBody="hello", **version)
    assert status == 200
    assert "<MD5OfMessageBody>5d41402abc4b2a76b9719d911017c592</MD5OfMessageBody>" in sent
    _, received = query(Action="ReceiveMessage", QueueUrl=url, **{"AttributeName.1": "All"}, **version)
    assert "<Body>hello</Body>" in received
    assert "<Name>ApproximateReceiveCount</Name><Value>1</Value>" in received
    status, missing = query(Action="SendMessage", QueueUrl=f"{url}x", MessageBody="hello", **version)
    assert status == 400
    assert "<Code>AWS.SimpleQueueService.NonExistentQueue</Code>" in missing
