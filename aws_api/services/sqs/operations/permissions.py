"""AddPermission and RemovePermission: statements of the queue's policy, by label."""

from typing import Any

import orjson

from aws_api.core.context import Context
from aws_api.services.sqs.errors import InvalidParameterValue, OverLimit, invalid_value
from aws_api.services.sqs.models import Queue
from aws_api.services.sqs.queues import forget_on_commit, queue_row
from aws_api.services.sqs.service import sqs
from aws_api.services.sqs.shapes import AddPermissionRequest, RemovePermissionRequest

MAX_ACTIONS = 7
ACTIONS = frozenset(
    {
        "*",
        "ChangeMessageVisibility",
        "DeleteMessage",
        "GetQueueAttributes",
        "GetQueueUrl",
        "ListDeadLetterSourceQueues",
        "PurgeQueue",
        "ReceiveMessage",
        "SendMessage",
    }
)


@sqs.operation
def add_permission(context: Context, request: AddPermissionRequest) -> None:
    """Add a statement that lets accounts call some operations on the queue."""
    row = queue_row(context, request["QueueUrl"], lock=True)
    label, actions = request["Label"], request["Actions"]
    for action in actions:
        if action not in ACTIONS:
            reason = "Only the queue owner is allowed to invoke this action."
            raise invalid_value(f"SQS:{action}", "ActionName", reason)
    if len(actions) > MAX_ACTIONS:
        raise OverLimit(f"{len(actions)} Actions were found, maximum allowed is {MAX_ACTIONS}.")
    if not request["AWSAccountIds"] or not actions:
        raise InvalidParameterValue("A permission names at least one account and one action.")
    policy = _policy(row)
    if any(statement.get("Sid") == label for statement in policy["Statement"]):
        raise invalid_value(label, "Label", "Already exists.")
    principals = [f"arn:aws:iam::{account_id}:root" for account_id in request["AWSAccountIds"]]
    policy["Statement"].append(
        {
            "Sid": label,
            "Effect": "Allow",
            "Principal": {"AWS": _one_or_all(principals)},
            "Action": _one_or_all([f"SQS:{action}" for action in actions]),
            "Resource": row.arn,
        }
    )
    _save(context, row, policy)


@sqs.operation
def remove_permission(context: Context, request: RemovePermissionRequest) -> None:
    """Take the statement of a label out of the queue's policy."""
    row = queue_row(context, request["QueueUrl"], lock=True)
    label, policy = request["Label"], _policy(row)
    kept = [statement for statement in policy["Statement"] if statement.get("Sid") != label]
    if len(kept) == len(policy["Statement"]):
        raise invalid_value(label, "Label", "can't find label on existing policy.")
    _save(context, row, {**policy, "Statement": kept})


def _policy(row: Queue) -> dict[str, Any]:
    """The queue's policy, or an empty one; ``Statement`` is a list."""
    text = row.document.get("Policy")
    if not text:
        return {"Version": "2008-10-17", "Id": f"{row.arn}/SQSDefaultPolicy", "Statement": []}
    policy: dict[str, Any] = orjson.loads(text)
    statements = policy["Statement"]
    return {**policy, "Statement": statements if isinstance(statements, list) else [statements]}


def _save(context: Context, row: Queue, policy: dict[str, Any]) -> None:
    document = {name: value for name, value in row.document.items() if name != "Policy"}
    if policy["Statement"]:
        document["Policy"] = orjson.dumps(policy).decode()
    row.document = document
    row.modified_at = context.clock.now()
    row.save(update_fields=["document", "modified_at"])
    forget_on_commit(row)


def _one_or_all(values: list[str]) -> str | list[str]:
    """AWS writes a list of one as the one."""
    return values[0] if len(values) == 1 else values
