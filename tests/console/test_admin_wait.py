"""Waiting over the admin API: answered when it holds, with the reason where it does not; events as they happen."""

import json
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from simfra.testing import Account, NotYet, Simfra, Wait
from tests.support.waiting import wait_for

SOON_S = 10.0


@pytest.fixture
def simfra(live_gateway: str) -> Simfra:
    return Simfra(live_gateway)


@pytest.fixture
def made(simfra: Simfra) -> Iterator[Account]:
    with simfra.temporary_account() as account:
        yield account


@pytest.fixture
def wait(simfra: Simfra, made: Account) -> Wait:
    return simfra.wait(made)


def meanwhile(waiting: Callable[[], Any], act: Callable[[], Any]) -> tuple[Any, float]:
    """What a wait answers that was there before something happened, and how long after that it did."""
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(waiting)
        time.sleep(0.3)  # What is proven is the wait: let it begin.
        assert not answer.done()
        act()
        acted = time.monotonic()
        return answer.result(), time.monotonic() - acted


def test_a_queue_that_fills_and_empties_is_noticed_at_once(made: Account, wait: Wait) -> None:
    sqs = made.client("sqs")
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    found, took_s = meanwhile(
        lambda: wait.queue("orders", 2), lambda: [sqs.send_message(QueueUrl=url, MessageBody=body) for body in "ab"]
    )
    assert found["ApproximateNumberOfMessages"] == 2
    assert took_s < 1
    _, took_s = meanwhile(lambda: wait.queue(url), lambda: sqs.purge_queue(QueueUrl=url))
    assert took_s < 1


def test_an_item_with_an_attribute_is_noticed(made: Account, wait: Wait) -> None:
    dynamodb = made.client("dynamodb")
    dynamodb.create_table(
        TableName="orders",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName="orders", Item={"id": {"S": "1"}, "state": {"S": "new"}})
    paid = {"id": {"S": "1"}, "state": {"S": "paid"}}
    found, took_s = meanwhile(
        lambda: wait.item("orders", {"id": "1"}, {"state": "paid"}),
        lambda: dynamodb.put_item(TableName="orders", Item=paid),
    )
    assert found == {"item": paid}
    assert took_s < 1
    with pytest.raises(NotYet, match="state is paid"):
        wait.item("orders", {"id": {"S": "1"}}, {"state": {"S": "sent"}}, timeout_s=0)


def test_a_log_line_is_noticed(made: Account, wait: Wait) -> None:
    logs = made.client("logs")
    logs.create_log_group(logGroupName="/app")
    logs.create_log_stream(logGroupName="/app", logStreamName="one")

    def log(message: str) -> None:
        event = {"timestamp": int(time.time() * 1000), "message": message}
        logs.put_log_events(logGroupName="/app", logStreamName="one", logEvents=[event])

    found, took_s = meanwhile(lambda: wait.log_line("/app", "ready"), lambda: log("server is ready"))
    assert found["message"] == "server is ready"
    assert took_s < 1
    with pytest.raises(NotYet, match="No line of /app"):
        wait.log_line("/app", "ready", since=datetime.now(UTC) + timedelta(minutes=1), timeout_s=0)


def test_requests_and_resources_are_noticed(simfra: Simfra, made: Account, wait: Wait) -> None:
    sqs = made.client("sqs")
    arn = f"arn:aws:sqs:us-east-1:{made.id}:jobs"
    _, took_s = meanwhile(lambda: wait.resource(arn), lambda: sqs.create_queue(QueueName="jobs"))
    assert took_s < 1
    found, took_s = meanwhile(
        lambda: wait.request("sqs", "ListQueues", count=3), lambda: [sqs.list_queues() for _ in range(3)]
    )
    assert len(found["ids"]) == 3
    assert took_s < 1
    assert simfra.requests(account_id=made.id, operation="ListQueues")


def test_time_runs_out_with_the_reason(made: Account, wait: Wait) -> None:
    with pytest.raises(NotYet, match="has no task"):
        wait.task("0" * 32, "RUNNING", timeout_s=0.1)
    with pytest.raises(NotYet, match="ClusterNotFoundException"):
        wait.service("web", cluster="nowhere", timeout_s=0.1)
    with pytest.raises(NotYet, match="does not exist"):
        wait.queue("nowhere", timeout_s=0.1)
    arn = f"arn:aws:elasticloadbalancing:us-east-1:{made.id}:targetgroup/web/0123456789abcdef"
    with pytest.raises(NotYet, match="TargetGroupNotFound"):
        wait.target(arn, timeout_s=0.1)


def test_two_hundred_wait_at_once_and_the_api_stays_quick(simfra: Simfra, made: Account, wait: Wait) -> None:
    sqs = made.client("sqs")
    url = sqs.create_queue(QueueName="crowd")["QueueUrl"]
    sockets = [_waiting(simfra.url, made.id) for _ in range(200)]
    started = time.monotonic()
    sqs.list_queues()
    simfra.health()
    assert time.monotonic() - started < SOON_S
    sqs.send_message(QueueUrl=url, MessageBody="now")
    for waiting in sockets:
        with waiting:
            assert waiting.recv(65536).startswith(b"HTTP/1.1 200")


def test_a_task_that_stopped_never_runs(gateway: Any, run_task: Callable[..., str], account: Any) -> None:
    arn = run_task("nope", failure="no such image")
    body = {"accountId": account.account_id, "task": {"task": arn, "status": "RUNNING"}}
    answer = Client().post("/_simfra/wait", body, content_type="application/json")
    assert answer.status_code == 409
    assert "no such image" in answer.json()["error"]
    body["task"]["status"] = "STOPPED"
    assert Client().post("/_simfra/wait", body, content_type="application/json").json()["met"] is True


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"queue": {"queue": "a"}, "task": {"task": "b", "status": "RUNNING"}},
        {"queue": {"queue": "a"}, "timeout_s": 601},
        {"task": {"task": "b", "status": "ASLEEP"}},
        {"resource": {"arn": "nonsense"}},
    ],
)
def test_what_makes_no_sense_is_refused(gateway: Any, body: dict[str, Any]) -> None:
    answer = Client().post("/_simfra/wait", body, content_type="application/json")
    assert answer.status_code == 400
    assert set(answer.json()) == {"error"}


def test_events_tell_of_calls_and_end_with_their_reader(simfra: Simfra, made: Account) -> None:
    heard: list[dict[str, Any]] = []
    url = f"{simfra.url}/_simfra/events?accountId={made.id}"
    response = urllib.request.urlopen(url, timeout=30)
    assert response.headers["Content-Type"] == "text/event-stream"
    assert response.readline().startswith(b":")

    def listen() -> None:
        for line in response:
            if line.startswith(b"data: "):
                heard.append(json.loads(line.removeprefix(b"data: ")))
                if heard[-1]["action"] == "Delete":
                    return

    listener = threading.Thread(target=listen)
    listener.start()
    sqs = made.client("sqs")
    queue = sqs.create_queue(QueueName="orders")["QueueUrl"]
    sqs.list_queues()
    sqs.delete_queue(QueueUrl=queue)
    listener.join(10)
    response.close()
    assert [(event["service"], event["type"], event["action"]) for event in heard] == [
        ("sqs", "Queue", "Create"),
        ("sqs", "Queue", "Delete"),
    ]


def _waiting(url: str, account_id: str) -> socket.socket:
    """A connection on which a wait was asked for."""
    body = json.dumps({"accountId": account_id, "queue": {"queue": "crowd", "messages": 1}, "timeout_s": 60})
    port = int(url.rpartition(":")[2])
    head = f"POST /_simfra/wait HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\n"
    made = socket.create_connection(("127.0.0.1", port), timeout=60)
    made.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
    return made


def test_a_request_is_remembered_before_its_answer_is_read(simfra: Simfra, made: Account) -> None:
    sqs = made.client("sqs")
    for expected in range(1, 20):
        sqs.list_queues()
        assert simfra.count_requests(service="sqs", operation="ListQueues", account_id=made.id) == expected


def test_requests_under_way_are_told(simfra: Simfra, made: Account) -> None:
    sqs = made.client("sqs")
    url = sqs.create_queue(QueueName="slow")["QueueUrl"]
    with ThreadPoolExecutor(1) as threads:
        polling = threads.submit(lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20))
        (found,) = wait_for(
            lambda: simfra.requests(account_id=made.id, status="none"), what="the poll among those under way"
        )
        assert (found["operation"], found["status"], found["parameters"]["QueueUrl"]) == ("ReceiveMessage", None, url)
        assert simfra.api.call("GET", f"debug/requests/{found['id']}")["id"] == found["id"]
        sqs.send_message(QueueUrl=url, MessageBody="go on")
        polling.result()
    assert not simfra.requests(account_id=made.id, status="none")


def test_parameters_are_told_without_secrets(simfra: Simfra, made: Account) -> None:
    made.client("secretsmanager").create_secret(Name="db", SecretString="hunter2-hunter2")
    made.client("ssm").put_parameter(Name="key", Type="SecureString", Value="hunter2-hunter2")
    container = {
        "name": "app",
        "image": "busybox",
        "memory": 64,
        "environment": [{"name": "DB_PASSWORD", "value": "hunter2-hunter2"}],
    }
    made.client("ecs").register_task_definition(family="web", containerDefinitions=[container])
    records = simfra.requests(account_id=made.id, in_flight=False)
    assert "hunter2" not in json.dumps(records)
    (defined,) = [record for record in records if record["operation"] == "RegisterTaskDefinition"]
    assert defined["parameters"]["containerDefinitions"][0]["image"] == "busybox"
    made.client("sqs").create_queue(QueueName="q")
    url = made.client("sqs").get_queue_url(QueueName="q")["QueueUrl"]
    made.client("sqs").send_message(QueueUrl=url, MessageBody="x" * 5000)
    assert simfra.requests(account_id=made.id, operation="SendMessage")[0]["parameters"] is None
