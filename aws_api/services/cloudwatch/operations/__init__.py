"""The operations of CloudWatch, one module per family."""

from aws_api.services.cloudwatch.operations import alarms, history, metrics, states, statistics, tags

__all__ = ["alarms", "history", "metrics", "states", "statistics", "tags"]
