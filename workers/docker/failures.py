"""The engine's errors as RuntimeFailure, worded as ECS words them."""

from collections.abc import Iterator
from contextlib import contextmanager

import requests
import urllib3
from docker.errors import APIError, DockerException

from aws_api.core.containers import RuntimeFailure, RuntimeUnreachable


@contextmanager
def engine_failures(code: str = "") -> Iterator[None]:
    """Raise what the engine says as ``<code>: Error response from daemon: <its message>``.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
    """
    try:
        yield
    except APIError as error:
        raise RuntimeFailure(worded(code, message_of(error))) from error
    except (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError, OSError) as error:
        raise RuntimeUnreachable(f"The Docker engine does not answer: {error}") from error
    except DockerException as error:
        raise RuntimeUnreachable(f"The Docker engine cannot be used: {error}") from error


def worded(code: str, message: str) -> str:
    """The engine's message as ECS's agent passes it on."""
    text = f"Error response from daemon: {message}"
    return f"{code}: {text}" if code else text


def message_of(error: APIError) -> str:
    """What the engine said, without the client's wrapping."""
    explanation = error.explanation or str(error)
    return explanation.decode(errors="replace") if isinstance(explanation, bytes) else str(explanation)
