"""The operations of Application Auto Scaling, one module per family."""

from aws_api.services.application_autoscaling.operations import activities, policies, schedules, tags, targets

__all__ = ["activities", "policies", "schedules", "tags", "targets"]
