"""The policies that narrow a session: one inline, and managed ones by ARN.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import orjson

from aws_api.core.context import Context, internal_context
from aws_api.core.invoke import invoke
from aws_api.services.sts.shapes import MalformedPolicyDocumentException, PackedPolicyTooLargeException

#: AWS packs policies and tags into the token; this much plain text is what surely fits.
MAX_PACKED_BYTES = 2048


def session_policies(
    context: Context, request: Mapping[str, Any], account_id: str = "", tags: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """The documents that a request hands over. Raises MalformedPolicyDocument, PackedPolicyTooLarge, NoSuchEntity."""
    policies: list[str] = []
    if inline := request.get("Policy"):
        try:
            is_object = isinstance(orjson.loads(inline), dict)
        except orjson.JSONDecodeError:
            is_object = False
        if not is_object:
            raise MalformedPolicyDocumentException("The policy is not in the valid JSON format.")
        policies.append(inline)
    percentage = packed_percentage(policies, tags or {})
    if percentage > 100:
        raise PackedPolicyTooLargeException(
            f"Packed size of session policy and session tags consumes {percentage}% of allotted space."
        )
    owner = internal_context(account_id or context.account_id, context.region, context.clock)
    return (*policies, *(_managed_policy(owner, policy["arn"]) for policy in request.get("PolicyArns") or ()))


def packed_percentage(policies: Sequence[str], tags: Mapping[str, str]) -> int:
    """How much of the space for policies and tags these take."""
    size = sum(len(policy.encode()) for policy in policies)
    size += sum(len(f"{key}{value}".encode()) for key, value in tags.items())
    return size * 100 // MAX_PACKED_BYTES


def _managed_policy(owner: Context, policy_arn: str) -> str:
    policy = invoke(owner, "iam", "GetPolicy", {"PolicyArn": policy_arn})["Policy"]
    version = {"PolicyArn": policy_arn, "VersionId": policy["DefaultVersionId"]}
    return unquote(invoke(owner, "iam", "GetPolicyVersion", version)["PolicyVersion"]["Document"])
