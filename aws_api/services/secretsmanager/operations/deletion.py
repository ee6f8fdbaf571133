"""DeleteSecret, RestoreSecret. https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_delete-secret.html"""

from datetime import timedelta

from aws_api.core.context import Context
from aws_api.services.secretsmanager.cross_account import has_replica, primary_arn_of
from aws_api.services.secretsmanager.models import Secret
from aws_api.services.secretsmanager.names import new_arn_suffix, parse_secret_id, secret_arn, secret_not_found
from aws_api.services.secretsmanager.secrets import find_secret, lookup, remove
from aws_api.services.secretsmanager.service import secretsmanager
from aws_api.services.secretsmanager.shapes import (
    DeleteSecretRequest,
    DeleteSecretResponse,
    InvalidParameterException,
    InvalidRequestException,
    RestoreSecretRequest,
    RestoreSecretResponse,
)

DEFAULT_WINDOW_DAYS = 30
MIN_WINDOW_DAYS = 7
MAX_WINDOW_DAYS = 30


@secretsmanager.operation
def delete_secret(context: Context, request: DeleteSecretRequest) -> DeleteSecretResponse:
    """Delete a secret when its recovery window is over, or at once where that is forced."""
    window_days = request.get("RecoveryWindowInDays")
    is_forced = bool(request.get("ForceDeleteWithoutRecovery"))
    if is_forced and window_days is not None:
        raise InvalidParameterException(
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays."
        )
    if window_days is not None and not MIN_WINDOW_DAYS <= window_days <= MAX_WINDOW_DAYS:
        raise InvalidParameterException(
            f"The RecoveryWindowInDays value must be between {MIN_WINDOW_DAYS} and {MAX_WINDOW_DAYS} days (inclusive)."
        )
    now = context.clock.now()
    secret = lookup(context, request["SecretId"], lock=True)
    if secret is not None:
        _require_alone(secret)
    if is_forced:
        if secret is None:
            return _forced_without_one(context, request["SecretId"])
        remove(secret)
        return {"ARN": secret.arn, "Name": secret.name, "DeletionDate": now}
    if secret is None:
        raise secret_not_found()
    if secret.deletion_at is not None:
        raise InvalidRequestException(
            "You can't perform this operation on the secret because it was already scheduled for deletion."
        )
    secret.deletion_at = now + timedelta(days=window_days or DEFAULT_WINDOW_DAYS)
    secret.save(update_fields=["deletion_at"])
    return {"ARN": secret.arn, "Name": secret.name, "DeletionDate": secret.deletion_at}


@secretsmanager.operation
def restore_secret(context: Context, request: RestoreSecretRequest) -> RestoreSecretResponse:
    """Keep a secret after all."""
    secret = find_secret(context, request["SecretId"], lock=True, allows_deleted=True)
    secret.deletion_at = None
    secret.save(update_fields=["deletion_at"])
    return {"ARN": secret.arn, "Name": secret.name}


def _require_alone(secret: Secret) -> None:
    """Raise InvalidRequestException where a secret has replicas, or is another account's."""
    if secret.document.get("ReplicationStatus"):
        raise InvalidRequestException(
            "You can't delete secret that still has replica regions. Please remove the replica regions first."
        )
    if has_replica(secret):
        raise InvalidRequestException(
            "You can't delete a secret that still has a cross-account replica. Call DisassociateCrossAccountReplica "
            "first."
        )
    if primary_arn_of(secret) is not None:
        raise InvalidRequestException(
            "You can't delete a cross-account replica secret. Call StopReplicationToReplica first."
        )


def _forced_without_one(context: Context, secret_id: str) -> DeleteSecretResponse:
    """AWS answers a forced deletion of what is not there as if it had been."""
    name = parse_secret_id(context, secret_id).full_name
    arn = secret_arn(context.account_id, context.region, name, new_arn_suffix())
    return {"ARN": arn, "Name": name, "DeletionDate": context.clock.now()}
