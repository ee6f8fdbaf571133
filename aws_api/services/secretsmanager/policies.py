"""Resource policies: what Secrets Manager refuses to store.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_resource-policies.html
"""

from typing import Any

import orjson

from aws_api.core.arns import Arn
from aws_api.services.secretsmanager.shapes import MalformedPolicyDocumentException, PublicPolicyException

#: The policy that everybody can write, and the one that AWS attaches to replicas of another account's secret.
DEFAULT_POLICY = "default"
REPLICATION_POLICY = "cross-account-replication"
ACCEPTING = "secretsmanager:AcceptCrossAccountReplication"


def replication_policy(primary_arn: str) -> str:
    """What lets the account of a primary begin to replicate."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{Arn.parse(primary_arn).account_id}:root"},
        "Action": ACCEPTING,
        "Resource": "*",
    }
    return orjson.dumps({"Version": "2012-10-17", "Statement": [statement]}).decode()


def joined(first: str, second: str) -> str:
    """One policy that says what two say."""
    policy = orjson.loads(first)
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    policy["Statement"] = [*statements, *orjson.loads(second)["Statement"]]
    return orjson.dumps(policy).decode()


def check_policy(document: str) -> list[dict[str, Any]]:
    """The statements of a policy. Raises MalformedPolicyDocumentException."""
    try:
        policy = orjson.loads(document)
    except orjson.JSONDecodeError as error:
        raise MalformedPolicyDocumentException("This resource policy contains invalid Json") from error
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements or not all(map(_is_statement, statements)):
        raise MalformedPolicyDocumentException(
            "This resource policy contains a syntax error: each statement needs an effect, a principal, an action and "
            "a resource."
        )
    return statements


def check_not_public(statements: list[dict[str, Any]]) -> None:
    """Raise PublicPolicyException where a policy lets everybody in."""
    for statement in statements:
        if (
            statement["Effect"] == "Allow"
            and _is_everybody(statement.get("Principal"))
            and (not statement.get("Condition"))
        ):
            raise PublicPolicyException(
                "Resource policy blocked: the BlockPublicPolicy parameter is set and the policy grants broad access "
                "to your secret."
            )


def _is_statement(statement: Any) -> bool:
    return (
        isinstance(statement, dict)
        and statement.get("Effect") in ("Allow", "Deny")
        and ("Principal" in statement or "NotPrincipal" in statement)
        and ("Action" in statement or "NotAction" in statement)
        and ("Resource" in statement or "NotResource" in statement)
    )


def _is_everybody(principal: Any) -> bool:
    if isinstance(principal, dict):
        principal = principal.get("AWS")
    return principal == "*" or (isinstance(principal, list) and "*" in principal)
