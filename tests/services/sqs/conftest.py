"""A queue to work on."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def sqs(aws: Callable[..., Any]) -> Any:
    """A client of the account."""
    return aws("sqs")


@pytest.fixture
def queue_url(sqs: Any) -> str:
    """A fresh standard queue."""
    return str(sqs.create_queue(QueueName="orders")["QueueUrl"])


@pytest.fixture
def fifo_url(sqs: Any) -> str:
    """A fresh FIFO queue that deduplicates by content."""
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    return str(sqs.create_queue(QueueName="orders.fifo", Attributes=attributes)["QueueUrl"])


@pytest.fixture
def attributes_of(sqs: Any) -> Callable[..., dict[str, str]]:
    """``attributes_of(url)``: all of a queue's attributes."""

    def get(url: str) -> dict[str, str]:
        answer: dict[str, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return answer

    return get
