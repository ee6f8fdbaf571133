"""The operations of CloudWatch Logs, one module per family."""

from aws_api.services.logs.operations import events, groups, streams, tags

__all__ = ["events", "groups", "streams", "tags"]
