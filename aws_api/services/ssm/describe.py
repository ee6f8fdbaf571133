"""Rows as AWS's shapes. Values of SecureStrings are handed in: only who may decrypt has them."""

from typing import Any

from aws_api.services.ssm import shapes
from aws_api.services.ssm.models import ParameterVersion
from aws_api.services.ssm.store import FoundVersion


def parameter(version: FoundVersion, value: str, selector: str = "") -> shapes.Parameter:
    """A parameter as GetParameter answers it."""
    described: shapes.Parameter = {
        "Name": version.name,
        "Type": version.type,  # type: ignore[typeddict-item]
        "Value": value,
        "Version": version.version,
        "LastModifiedDate": version.modified_at,
        "ARN": version.arn,
        "DataType": version.data_type,
    }
    if selector:
        described["Selector"] = selector
    return described


def found_version(row: ParameterVersion) -> FoundVersion:
    """A row as the reads have it; ``parameter`` is to be selected with it."""
    return FoundVersion(
        arn=row.parameter.arn,
        name=row.parameter.name,
        version=row.version,
        type=row.type,
        value=row.value,
        has_managed_key=row.has_managed_key,
        tier=row.tier,
        data_type=row.data_type,
        modified_at=row.modified_at,
    )


def metadata(row: ParameterVersion) -> shapes.ParameterMetadata:
    """A parameter as DescribeParameters answers it."""
    return {"ARN": row.parameter.arn, **_facts(row)}  # type: ignore[typeddict-item]


def history(row: ParameterVersion, value: str) -> shapes.ParameterHistory:
    """A version as GetParameterHistory answers it."""
    return {**_facts(row), "Value": value, "Labels": row.labels}  # type: ignore[typeddict-item]


def _facts(row: ParameterVersion) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "Name": row.parameter.name,
        "Type": row.type,
        "LastModifiedDate": row.modified_at,
        "LastModifiedUser": row.modified_by,
        "Version": row.version,
        "Tier": row.tier,
        "Policies": row.policies,
        "DataType": row.data_type,
    }
    optional = {"KeyId": row.key_id, "Description": row.description, "AllowedPattern": row.allowed_pattern}
    return facts | {member: value for member, value in optional.items() if value}
