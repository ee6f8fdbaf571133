"""docs/worked-example.md, by its own commands, with real clients and an application that knows nothing of Simfra."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.stack import Stack
from tests.support.images import node_image
from tests.support.waiting import wait_for

pytestmark = pytest.mark.docker

ORDER_PROCESSOR = Path(__file__).parent / "order_processor"
QUEUE_URL = "http://localhost:4599/000000000000/orders"
IMAGE = "localhost:4599/000000000000/order-processor:latest"

PAGE = Path(__file__).parents[2] / "docs" / "worked-example.md"


@pytest.fixture
def project(tmp_path: Path, stack: Stack) -> Iterator[Path]:
    """The user's project folder, with the image that its Dockerfile is built from."""
    folder = tmp_path / "order-processor"
    shutil.copytree(ORDER_PROCESSOR, folder)
    with node_image("node:20-slim"):
        yield folder
    stack.shell(f"docker rmi -f order-processor {IMAGE}")


def test_every_order_becomes_an_item_and_a_restart_loses_none(stack: Stack, project: Path) -> None:
    make_resources, build_and_push, register, run, show = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    stack.shell(make_resources)
    stack.shell(build_and_push, cwd=project, timeout_s=600)
    stack.shell(register)
    send(stack, range(100))
    stack.shell(run)
    (task_arn,) = stack.aws("ecs list-tasks --family order-processor")["taskArns"]
    send(stack, range(100, 200))
    wait_for(lambda: processed(stack) >= 201, timeout_s=90, every_s=0.5, what="201 processed orders")
    assert items(stack) == {"order-first", *(f"order-{number}" for number in range(200))}
    assert "order-199" in stack.shell(show)
    assert_drained(stack)
    puts = stack.admin("debug/requests", service="dynamodb", operation="PutItem", account_id="000000000000")
    assert len(puts) == 201, "each order was written once"
    assert {record["principal"] for record in puts} == {"arn:aws:iam::000000000000:root"}

    before = stack.containers()
    stack.interrupt()
    assert stack.containers() == before, "Ctrl-C leaves every container as it is"
    stack.up()
    send(stack, range(200, 250))
    wait_for(lambda: processed(stack) >= 251, timeout_s=90, every_s=0.5, what="251 processed orders")
    assert items(stack) == {"order-first", *(f"order-{number}" for number in range(250))}
    assert stack.containers() == before, "the same containers went on"
    task = stack.aws(f"ecs describe-tasks --tasks {task_arn}")["tasks"][0]
    assert task["lastStatus"] == "RUNNING"
    assert task["containers"][0]["runtimeId"] in before.values()

    stack.aws(f"ecs stop-task --task {task_arn} --reason done")
    stack.shell(f"aws ecs wait tasks-stopped --cluster default --tasks {task_arn}")
    task = stack.aws(f"ecs describe-tasks --tasks {task_arn}")["tasks"][0]
    assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "done")


def test_down_removes_every_container_and_network(stack: Stack) -> None:
    assert stack.networks(), "the example left its VPC's network"
    stack.down()
    assert not stack.containers()
    assert not stack.networks()
    stack.up()


def send(stack: Stack, numbers: range) -> None:
    """Send orders with the AWS CLI, ten a call."""
    for start in range(numbers.start, numbers.stop, 10):
        entries = [
            {"Id": str(number), "MessageBody": json.dumps({"id": f"order-{number}", "quantity": number})}
            for number in range(start, start + 10)
        ]
        stack.aws(f"sqs send-message-batch --queue-url {QUEUE_URL} --entries '{json.dumps(entries)}'")


def processed(stack: Stack) -> int:
    return int(stack.aws("dynamodb scan --table-name processed-orders --select COUNT")["Count"])


def items(stack: Stack) -> set[str]:
    return {item["id"]["S"] for item in stack.aws("dynamodb scan --table-name processed-orders")["Items"]}


def assert_drained(stack: Stack) -> None:
    names = "ApproximateNumberOfMessages ApproximateNumberOfMessagesNotVisible"
    command = f"sqs get-queue-attributes --queue-url {QUEUE_URL} --attribute-names {names}"
    wait_for(lambda: set(stack.aws(command)["Attributes"].values()) == {"0"}, timeout_s=30, what="an empty queue")
