"""How a refused permission is told, worded and coded as the services do.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from typing import ClassVar

from aws_api.core.authorization import AUTHORIZATION_MESSAGE
from aws_api.core.errors import AccessDeniedException, AwsError
from aws_api.core.sealing import seal
from aws_api.services.iam.evaluation import AccessRequest, Decision, Effect


class UnauthorizedOperation(AccessDeniedException):
    """EC2's own word for it, with the particulars encoded."""

    code = "UnauthorizedOperation"
    query_code = "UnauthorizedOperation"
    status = 403


class TokenOfNobody(AwsError):
    """The credentials' user or role is gone, or they may not be used for what was asked."""

    code = "UnrecognizedClientException"
    query_code: ClassVar[str | None] = "InvalidClientTokenId"
    status = 403

    def __init__(self) -> None:
        super().__init__("The security token included in the request is invalid.")


def denial(request: AccessRequest, decision: Decision) -> AccessDeniedException:
    """The error for a decision that does not allow."""
    message = (
        f"User: {request.caller.arn} is not authorized to perform: {request.action} on resource: {request.resource} "
        f"{decision.reason(request.action)}"
    )
    if request.action.startswith("ec2:"):
        encoded = seal(AUTHORIZATION_MESSAGE, _particulars(request, decision))
        return UnauthorizedOperation(
            f"You are not authorized to perform this operation. {message}. "
            f"Encoded authorization failure message: {encoded}"
        )
    return AccessDeniedException(message)


def _particulars(request: AccessRequest, decision: Decision) -> dict[str, object]:
    """What DecodeAuthorizationMessage tells."""
    statements = [{"statementId": decision.statement, "sourcePolicyId": decision.policy}] if decision.statement else []
    return {
        "allowed": False,
        "explicitDeny": decision.effect is Effect.EXPLICIT_DENY,
        "matchedStatements": {"items": statements},
        "failures": {"items": []},
        "context": {
            "principal": {"id": request.caller.unique_id, "arn": request.caller.arn},
            "action": request.action,
            "resource": request.resource,
            "conditions": {"items": []},
        },
    }
