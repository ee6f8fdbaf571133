"""Resource policies: what Secrets Manager refuses to store.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_resource-policies.html
"""

from typing import Any

import orjson

from aws_api.services.secretsmanager.shapes import MalformedPolicyDocumentException, PublicPolicyException


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
