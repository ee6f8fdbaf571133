"""Key policies: the ones that keys get by default, and what KMS refuses.

https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from aws_api.core.context import Context
from aws_api.services.kms.shapes import MalformedPolicyDocumentException

#: The only policy that a key has.
POLICY_NAME = "default"
MAX_POLICY_BYTES = 32_768


def default_policy(account_id: str) -> str:
    """What a key gets whose creator gave no policy: IAM decides."""
    return _text(
        {
            "Version": "2012-10-17",
            "Id": "key-default-1",
            "Statement": [
                {
                    "Sid": "Enable IAM User Permissions",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{account_id}:root"},
                    "Action": "kms:*",
                    "Resource": "*",
                }
            ],
        }
    )


def managed_policy(account_id: str, region: str, service: str) -> str:
    """The policy of an AWS managed key: all of the account through the service, nobody directly."""
    return _text(
        {
            "Version": "2012-10-17",
            "Id": f"auto-{service}-1",
            "Statement": [
                {
                    "Sid": f"Allow access through {service} for all principals in the account that are authorized to "
                    f"use {service}",
                    "Effect": "Allow",
                    "Principal": {"AWS": "*"},
                    "Action": [
                        "kms:Encrypt",
                        "kms:Decrypt",
                        "kms:ReEncrypt*",
                        "kms:GenerateDataKey*",
                        "kms:CreateGrant",
                        "kms:DescribeKey",
                    ],
                    "Resource": "*",
                    "Condition": {
                        "StringEquals": {
                            "kms:CallerAccount": account_id,
                            "kms:ViaService": f"{service}.{region}.amazonaws.com",
                        }
                    },
                },
                {
                    "Sid": "Allow direct access to key metadata to the account",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{account_id}:root"},
                    "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
                    "Resource": "*",
                },
            ],
        }
    )


def check_policy(context: Context, document: str, *, may_lock_out: bool) -> None:
    """Raise MalformedPolicyDocumentException for what is no policy, or would let nobody change it again."""
    try:
        policy = orjson.loads(document)
    except orjson.JSONDecodeError as error:
        raise MalformedPolicyDocumentException("This policy contains invalid Json") from error
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements or not all(map(_is_statement, statements)):
        raise MalformedPolicyDocumentException("Syntax errors in policy.")
    if not may_lock_out and not any(_lets_caller_change(context, statement) for statement in statements):
        raise MalformedPolicyDocumentException(
            "The new key policy will not allow you to update the key policy in the future."
        )


def _is_statement(statement: Any) -> bool:
    return (
        isinstance(statement, dict)
        and statement.get("Effect") in ("Allow", "Deny")
        and ("Action" in statement or "NotAction" in statement)
        and ("Principal" in statement or "NotPrincipal" in statement)
    )


def _lets_caller_change(context: Context, statement: Mapping[str, Any]) -> bool:
    if statement["Effect"] != "Allow":
        return False
    actions = {action.lower() for action in _strings(statement.get("Action"))}
    if not actions & {"*", "kms:*", "kms:put*", "kms:putkeypolicy"}:
        return False
    principal = statement.get("Principal")
    named = set(_strings(principal.get("AWS") if isinstance(principal, dict) else principal))
    account_id = context.account_id
    return bool(named & {"*", account_id, f"arn:aws:iam::{account_id}:root", context.principal.arn})


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (item for item in value if isinstance(item, str))


def _text(policy: Mapping[str, Any]) -> str:
    return orjson.dumps(policy, option=orjson.OPT_INDENT_2).decode()
