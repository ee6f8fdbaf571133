"""The log driver ``awslogs``: which stream a container writes to, and making it ready.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aws_api.core.arns import Arn
from aws_api.core.context import Context, internal_context
from aws_api.core.errors import AwsError
from aws_api.core.invoke import invoke
from aws_api.core.log_tail import LogDestination
from aws_api.services.ecs.account_settings import setting_of_account
from aws_api.services.ecs.awslogs_options import InvalidOption, buffer_bytes, first_line_pattern
from aws_api.services.ecs.roles import CannotInitialize, call_of, refusal_text, require_accesses

_ALREADY_THERE = "ResourceAlreadyExistsException"


class LogStreamUnavailable(CannotInitialize):
    """The log stream could not be made."""


def default_mode(account_id: str, region: str) -> str:
    """How an account's drivers deliver output where their options do not say it."""
    return setting_of_account(account_id, region, "defaultLogDriverMode")


def log_destination(
    container: Mapping[str, Any], *, account_id: str, region: str, task_id: str, mode: str
) -> LogDestination | None:
    """Where a container's output goes; None where it has not the driver ``awslogs``.

    ``mode`` is how it is delivered where the options do not say it.
    """
    configuration = container.get("logConfiguration", {})
    if configuration.get("logDriver") != "awslogs":
        return None
    options = configuration.get("options", {})
    try:
        pattern, room = first_line_pattern(options), buffer_bytes(options, mode)
    except InvalidOption:
        pattern, room = "", 0  # its preparation refuses the task
    return LogDestination(
        account_id=account_id,
        region=options.get("awslogs-region", region),
        group=options["awslogs-group"],
        stream=log_stream(container["name"], options, task_id),
        first_line_pattern=pattern,
        buffer_bytes=room,
    )


def log_stream(container_name: str, options: Mapping[str, str], task_id: str) -> str:
    """The stream that a task's container writes to."""
    prefix = options.get("awslogs-stream-prefix")
    return f"{prefix}/{container_name}/{task_id}" if prefix else f"{container_name}/{task_id}"


def prepare_log_stream(
    container: Mapping[str, Any], destination: LogDestination, execution: Context | None, mode: str
) -> None:
    """Make the stream, and its group where the options ask for that, as the execution role where there is one.

    Raises LogStreamUnavailable.
    """
    context = _context(destination, execution)
    options = container["logConfiguration"].get("options", {})
    try:
        first_line_pattern(options)
        buffer_bytes(options, mode)
    except InvalidOption as error:
        raise LogStreamUnavailable(
            f"ResourceInitializationError: failed to validate logger args: {error} : exit status 1"
        ) from error
    if str(options.get("awslogs-create-group", "")).lower() == "true":
        _create(context, "CreateLogGroup", {"logGroupName": destination.group})
    _create(context, "CreateLogStream", {"logGroupName": destination.group, "logStreamName": destination.stream})


def may_write(destination: LogDestination, execution: Context) -> bool:
    """Whether the execution role may put events into the stream; where not, AWS drops a container's output silently."""
    resource = f"log-group:{destination.group}:log-stream:{destination.stream}"
    arn = Arn(service="logs", region=destination.region, account_id=destination.account_id, resource=resource)
    try:
        require_accesses(_context(destination, execution), ("logs:PutLogEvents",), str(arn))
    except AwsError:
        return False
    return True


def _context(destination: LogDestination, execution: Context | None) -> Context:
    if execution is None:
        return internal_context(destination.account_id, destination.region)
    return replace(call_of(execution), region=destination.region)


def _create(context: Context, operation: str, request: Mapping[str, str]) -> None:
    try:
        invoke(context, "logs", operation, request)
    except AwsError as error:
        if error.code == _ALREADY_THERE:
            return
        raise LogStreamUnavailable(
            "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: "
            f"failed to create Cloudwatch log stream: {refusal_text(error, context)} : exit status 1"
        ) from error
