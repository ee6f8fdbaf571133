"""RotateSecret, CancelRotateSecret. https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets.html"""

from aws_api.core.context import Context
from aws_api.core.errors import NotImplementedByUs
from aws_api.services.secretsmanager.cross_account import require_own_value
from aws_api.services.secretsmanager.rotation import check_rules
from aws_api.services.secretsmanager.secrets import find_secret
from aws_api.services.secretsmanager.service import secretsmanager
from aws_api.services.secretsmanager.shapes import (
    CancelRotateSecretRequest,
    CancelRotateSecretResponse,
    InvalidRequestException,
    RotateSecretRequest,
    RotateSecretResponse,
)


@secretsmanager.operation
def rotate_secret(context: Context, request: RotateSecretRequest) -> RotateSecretResponse:
    """Keep a rotation schedule. There is no Lambda, so a rotation function is refused and nothing is rotated."""
    secret = find_secret(context, request["SecretId"], lock=True)
    require_own_value(secret)
    if request.get("RotationLambdaARN") or request.get("ExternalSecretRotationRoleArn"):
        raise NotImplementedByUs(
            "Simfra does not emulate Lambda yet, so no function can rotate the secret: call RotateSecret with "
            "RotationRules alone to keep its schedule."
        )
    rules = request.get("RotationRules")
    if rules is None:
        raise InvalidRequestException("No Lambda rotation function ARN is associated with this secret.")
    check_rules(rules)
    now = context.clock.now()
    secret.document = {**secret.document, "RotationRules": rules, "RotationEnabled": True}
    secret.rotation_started_at = now
    secret.changed_at = now
    secret.save(update_fields=["document", "rotation_started_at", "changed_at"])
    return {"ARN": secret.arn, "Name": secret.name}


@secretsmanager.operation
def cancel_rotate_secret(context: Context, request: CancelRotateSecretRequest) -> CancelRotateSecretResponse:
    """Rotate a secret no more; its schedule stays described."""
    secret = find_secret(context, request["SecretId"], lock=True)
    if not secret.document.get("RotationEnabled"):
        raise InvalidRequestException("You can't cancel rotation of a secret that has no rotation configured.")
    secret.document = {**secret.document, "RotationEnabled": False}
    secret.rotation_started_at = None
    secret.save(update_fields=["document", "rotation_started_at"])
    return {"ARN": secret.arn, "Name": secret.name}
