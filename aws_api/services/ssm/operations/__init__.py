"""The operations of the Parameter Store and of sessions, a module per family."""

from aws_api.services.ssm.operations import changes, labels, lists, reads, sessions, tags

__all__ = ["changes", "labels", "lists", "reads", "sessions", "tags"]
