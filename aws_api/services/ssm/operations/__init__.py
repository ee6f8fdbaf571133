"""The operations of the Parameter Store, a module per family."""

from aws_api.services.ssm.operations import changes, labels, lists, reads, tags

__all__ = ["changes", "labels", "lists", "reads", "tags"]
