"""What a parameter's value, tier and policies may be.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
"""

import re
from datetime import datetime
from typing import Any

import orjson

from aws_api.core.errors import ValidationException
from aws_api.services.ssm.models import ParameterVersion
from aws_api.services.ssm.shapes import (
    InvalidAllowedPatternException,
    InvalidPolicyAttributeException,
    InvalidPolicyTypeException,
    ParameterPatternMismatchException,
    PoliciesLimitExceededException,
)

MAX_STANDARD_LENGTH = 4096
MAX_ADVANCED_LENGTH = 8192
MAX_POLICIES = 10
DATA_TYPES = ("text", "aws:ec2:image", "aws:ssm:integration")
_INTELLIGENT = "Intelligent-Tiering"
_AMI = re.compile(r"ami-[0-9a-f]{8}([0-9a-f]{9})?\Z")
_POLICY_ATTRIBUTES = {
    "Expiration": {"Timestamp"},
    "ExpirationNotification": {"Before", "Unit"},
    "NoChangeNotification": {"After", "Unit"},
}


def check_value(value: str, *, data_type: str, allowed_pattern: str) -> None:
    """Raise where a value does not fit its data type or allowed pattern."""
    if data_type not in DATA_TYPES:
        raise ValidationException(
            f"The following data type is not supported: {data_type} (Data type names are all lowercase.)"
        )
    if data_type == "aws:ec2:image" and not _AMI.match(value):
        raise ValidationException(f"The value {value} is not a valid Amazon Machine Image (AMI) ID.")
    if allowed_pattern:
        try:
            pattern = re.compile(allowed_pattern)
        except re.error as error:
            raise InvalidAllowedPatternException(
                f"The allowed pattern {allowed_pattern} is not a valid regular expression."
            ) from error
        if not pattern.fullmatch(value):
            raise ParameterPatternMismatchException(
                f"Parameter value, cannot be validated against allowedPattern: {allowed_pattern}"
            )


def choose_tier(asked: str | None, value: str, policies: list[dict[str, Any]], previous: str | None) -> str:
    """The tier that a parameter gets. Raises ValidationException where what is asked for does not fit it."""
    standard, advanced = ParameterVersion.Tier.STANDARD, ParameterVersion.Tier.ADVANCED
    needs_advanced = len(value) > MAX_STANDARD_LENGTH or bool(policies)
    if asked == _INTELLIGENT:
        tier = advanced if needs_advanced or previous == advanced else standard
    else:
        tier = ParameterVersion.Tier(asked or previous or standard)
    if tier == standard and previous == advanced:
        raise ValidationException(
            "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the "
            "advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced "
            "parameter and recreate it as a standard parameter. For more information, see "
            "https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"
        )
    if tier == standard and len(value) > MAX_STANDARD_LENGTH:
        raise ValidationException(
            f"Standard tier parameters support a maximum parameter value of {MAX_STANDARD_LENGTH} characters. To "
            "create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more "
            "information, see "
            "https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"
        )
    if tier == standard and policies:
        raise ValidationException("Parameter policies are supported for advanced-tier parameters only.")
    if len(value) > MAX_ADVANCED_LENGTH:
        raise ValidationException(
            f"Advanced tier parameters support a maximum parameter value of {MAX_ADVANCED_LENGTH} characters."
        )
    return tier


def parse_policies(text: str | None) -> list[dict[str, Any]]:
    """Parameter policies, as DescribeParameters answers them."""
    if not text:
        return []
    try:
        policies = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidPolicyAttributeException("The policies are not a valid JSON array.") from error
    if not isinstance(policies, list) or not all(isinstance(policy, dict) for policy in policies):
        raise InvalidPolicyAttributeException("The policies are not a valid JSON array.")
    if len(policies) > MAX_POLICIES:
        raise PoliciesLimitExceededException(f"A parameter can have a maximum of {MAX_POLICIES} policies.")
    return [_policy(policy) for policy in policies]


def _policy(policy: dict[str, Any]) -> dict[str, Any]:
    kind, attributes = policy.get("Type"), policy.get("Attributes")
    if not isinstance(kind, str) or kind not in _POLICY_ATTRIBUTES:
        raise InvalidPolicyTypeException(
            "The policy type isn't supported. Parameter Store supports the following policy types: Expiration, "
            "ExpirationNotification, and NoChangeNotification."
        )
    if not isinstance(attributes, dict) or not _POLICY_ATTRIBUTES[kind] <= attributes.keys():
        raise InvalidPolicyAttributeException(f"A policy attribute of {kind} or its value is invalid.")
    if kind == "Expiration":
        try:
            datetime.fromisoformat(str(attributes["Timestamp"]))
        except ValueError as error:
            raise InvalidPolicyAttributeException("The Timestamp of an Expiration policy is invalid.") from error
    elif attributes["Unit"] not in ("Days", "Hours"):
        raise InvalidPolicyAttributeException(f"The Unit of {kind} is invalid.")
    return {"PolicyText": orjson.dumps(policy).decode(), "PolicyType": kind, "PolicyStatus": "Pending"}
