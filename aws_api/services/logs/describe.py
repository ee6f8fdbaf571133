"""A log group as AWS describes it."""

from typing import Any

from aws_api.services.logs.models import LogGroup


def describe_group(row: LogGroup, stored_bytes: int) -> dict[str, Any]:
    """A row as AWS's LogGroup."""
    described = {
        "logGroupName": row.name,
        "creationTime": int(row.created_at.timestamp() * 1000),
        "metricFilterCount": 0,
        "arn": f"{row.arn}:*",
        "logGroupArn": row.arn,
        "storedBytes": stored_bytes,
        "logGroupClass": row.document.get("logGroupClass", "STANDARD"),
    }
    if row.retention_days is not None:
        described["retentionInDays"] = row.retention_days
    if "kmsKeyId" in row.document:
        described["kmsKeyId"] = row.document["kmsKeyId"]
    return described
