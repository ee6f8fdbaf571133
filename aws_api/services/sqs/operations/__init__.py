"""The operations of SQS, one module per family."""

from aws_api.services.sqs.operations import messages, move_tasks, permissions, queues, tags

__all__ = ["messages", "move_tasks", "permissions", "queues", "tags"]
