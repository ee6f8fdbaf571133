"""Policy documents: what IAM refuses to store, and the form in which it gives documents back.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import orjson

from aws_api.services.iam.evaluation import PolicySyntaxError, parse
from aws_api.services.iam.shapes import MalformedPolicyDocumentException

_VERSIONS = ("2012-10-17", "2008-10-17")
_TOP_LEVEL = frozenset({"Version", "Id", "Statement"})
_STATEMENT = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)
_SID = re.compile(r"[A-Za-z0-9]*\Z")
_SYNTAX = "Syntax errors in policy."


def encoded(document: str) -> str:
    """A document as IAM answers it: percent-encoded as RFC 3986 says. SDKs decode it."""
    return quote(document, safe="")


def size_without_whitespace(document: str) -> int:
    """The size that IAM's limits are about: whitespace is free."""
    return len("".join(document.split()))


def check_permissions_policy(document: str) -> None:
    """Raise MalformedPolicyDocument where the document cannot be an identity's policy."""
    for statement in _statements(document, not_json=_SYNTAX):
        if "Principal" in statement or "NotPrincipal" in statement:
            raise MalformedPolicyDocumentException("Policy document should not specify a principal.")
        actions = _one_of(statement, "Action", "NotAction", "Policy statement must contain actions.")
        for action in actions:
            if action != "*" and ":" not in action:
                raise MalformedPolicyDocumentException(
                    "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
                )
        for resource in _one_of(statement, "Resource", "NotResource", "Policy statement must contain resources."):
            _check_resource(resource)
    _check_meaning(document)


def check_trust_policy(document: str) -> None:
    """Raise MalformedPolicyDocument where the document cannot say who may assume a role."""
    for statement in _statements(document, not_json="This policy contains invalid Json"):
        if "Resource" in statement or "NotResource" in statement:
            raise MalformedPolicyDocumentException("Has prohibited field Resource")
        if not _is_principal(statement.get("Principal", statement.get("NotPrincipal"))):
            raise MalformedPolicyDocumentException("Missing required field Principal")
        for action in _one_of(statement, "Action", "NotAction", "Missing required field Action"):
            if not action.lower().startswith("sts:") and action != "*":
                raise MalformedPolicyDocumentException("AssumeRole policy may only specify STS AssumeRole actions.")
    _check_meaning(document)


def _check_meaning(document: str) -> None:
    """Raise MalformedPolicyDocument for what the grammar lets by and evaluation cannot read: unknown operators."""
    try:
        parse(document)
    except PolicySyntaxError as error:
        raise MalformedPolicyDocumentException(str(error)) from error


def _statements(document: str, *, not_json: str) -> Sequence[Mapping[str, Any]]:
    try:
        policy = orjson.loads(document)
    except orjson.JSONDecodeError:
        raise MalformedPolicyDocumentException(not_json) from None
    if not isinstance(policy, dict) or not set(policy) <= _TOP_LEVEL:
        raise MalformedPolicyDocumentException(_SYNTAX)
    if policy.get("Version", _VERSIONS[1]) not in _VERSIONS:
        raise MalformedPolicyDocumentException(_SYNTAX)
    statements = policy.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise MalformedPolicyDocumentException(_SYNTAX)
    for statement in statements:
        _check_statement(statement)
    ids = [statement["Sid"] for statement in statements if statement.get("Sid")]
    if len(ids) != len(set(ids)):
        raise MalformedPolicyDocumentException("Statement IDs (SID) in a single policy must be unique.")
    return statements


def _check_statement(statement: Any) -> None:
    if not isinstance(statement, dict) or not set(statement) <= _STATEMENT:
        raise MalformedPolicyDocumentException(_SYNTAX)
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise MalformedPolicyDocumentException(_SYNTAX)
    condition = statement.get("Condition", {})
    if not isinstance(condition, dict) or not all(isinstance(keys, dict) for keys in condition.values()):
        raise MalformedPolicyDocumentException(_SYNTAX)
    sid = statement.get("Sid", "")
    if not isinstance(sid, str):
        raise MalformedPolicyDocumentException(_SYNTAX)
    if not _SID.match(sid):
        raise MalformedPolicyDocumentException("Statement IDs (SID) must be alpha-numeric. Check that your input "
                                               "satisfies the regular expression [0-9A-Za-z]*")  # fmt: skip


def _one_of(statement: Mapping[str, Any], member: str, negated: str, missing: str) -> list[str]:
    """The strings of an element that is there in exactly one of its two forms."""
    if member in statement and negated in statement:
        raise MalformedPolicyDocumentException(_SYNTAX)
    values = statement.get(member, statement.get(negated))
    if values is None or values == []:
        raise MalformedPolicyDocumentException(missing)
    if isinstance(values, str):
        values = [values]
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise MalformedPolicyDocumentException(_SYNTAX)
    return values


def _check_resource(resource: str) -> None:
    if resource == "*":
        return
    if not resource.startswith("arn:") and not resource.startswith("*"):
        raise MalformedPolicyDocumentException(f'Resource {resource} must be in ARN format or "*".')
    if resource.startswith("arn:") and resource.count(":") < 5 and "*" not in resource:
        raise MalformedPolicyDocumentException("The policy failed legacy parsing")


def _is_principal(principal: Any) -> bool:
    if principal == "*":
        return True
    return isinstance(principal, dict) and bool(principal) and set(principal) <= {"AWS", "Service", "Federated"}
