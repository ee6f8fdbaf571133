"""PutSecretValue, UpdateSecretVersionStage, ListSecretVersionIds."""

from aws_api.core.context import Context
from aws_api.core.pagination import page_of_list
from aws_api.services.secretsmanager import describe
from aws_api.services.secretsmanager.cross_account import replicate, require_own_value
from aws_api.services.secretsmanager.secrets import find_secret
from aws_api.services.secretsmanager.service import secretsmanager
from aws_api.services.secretsmanager.shapes import (
    InvalidNextTokenException,
    InvalidParameterException,
    InvalidRequestException,
    ListSecretVersionIdsRequest,
    ListSecretVersionIdsResponse,
    PutSecretValueRequest,
    PutSecretValueResponse,
    ResourceNotFoundException,
    UpdateSecretVersionStageRequest,
    UpdateSecretVersionStageResponse,
)
from aws_api.services.secretsmanager.stages import CURRENT, Stages, holder_of, put_stages, take_stage
from aws_api.services.secretsmanager.versions import requested_value, save_stages, stages_of, write_version

DEFAULT_LISTED = 100


@secretsmanager.operation
def put_secret_value(context: Context, request: PutSecretValueRequest) -> PutSecretValueResponse:
    """Give a secret a new version, current unless other stages are named.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
    """
    value = requested_value(request)
    if value is None:
        raise InvalidRequestException("You must provide either SecretString or SecretBinary.")
    secret = find_secret(context, request["SecretId"], lock=True)
    require_own_value(secret)
    version = write_version(context, secret, value, request.get("ClientRequestToken"), request.get("VersionStages"))
    replicate(context, secret)
    return {
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": version.version_id,
        "VersionStages": version.stages,
    }


@secretsmanager.operation
def update_secret_version_stage(
    context: Context, request: UpdateSecretVersionStageRequest
) -> UpdateSecretVersionStageResponse:
    """Move a staging label from one version to another, put it on one, or take it off.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
    """
    secret = find_secret(context, request["SecretId"], lock=True)
    require_own_value(secret)
    label = request["VersionStage"]
    source, target = request.get("RemoveFromVersionId"), request.get("MoveToVersionId")
    stages = stages_of(secret)
    for version_id in (source, target):
        if version_id is not None and version_id not in stages:
            raise ResourceNotFoundException(
                f"Secrets Manager can't find the specified secret value for VersionId: {version_id}"
            )
    _check_move(stages, label, source, target)
    if target is not None:
        stages = put_stages(stages, target, [label])
    elif source is not None:
        stages = take_stage(stages, source, label)
    save_stages(secret, stages)
    secret.changed_at = context.clock.now()
    secret.save(update_fields=["changed_at"])
    replicate(context, secret)
    return {"ARN": secret.arn, "Name": secret.name}


@secretsmanager.operation
def list_secret_version_ids(context: Context, request: ListSecretVersionIdsRequest) -> ListSecretVersionIdsResponse:
    """A secret's versions, newest first; those without a label only where asked for.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecretVersionIds.html
    """
    secret = find_secret(context, request["SecretId"], allows_deleted=True)
    rows = secret.versions.order_by("-created_at", "-id").defer("encrypted_key", "encrypted_value")
    if not request.get("IncludeDeprecated"):
        rows = rows.exclude(stages=[])
    page, token = page_of_list(
        list(rows),
        token=request.get("NextToken"),
        limit=request.get("MaxResults") or DEFAULT_LISTED,
        error=InvalidNextTokenException,
    )
    answer: ListSecretVersionIdsResponse = {
        "Versions": [describe.version(row) for row in page],
        "ARN": secret.arn,
        "Name": secret.name,
    }
    if token:
        answer["NextToken"] = token
    return answer


def _check_move(stages: Stages, label: str, source: str | None, target: str | None) -> None:
    if source is None and target is None:
        raise InvalidParameterException("Specify RemoveFromVersionId, MoveToVersionId, or both.")
    holder = holder_of(stages, label)
    if label == CURRENT and target is None:
        raise InvalidParameterException(
            f"You can only move staging label {CURRENT} to a different secret version. It can't be completely removed."
        )
    if source is None and holder not in (None, target):
        raise InvalidParameterException(
            f"The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently attached to version "
            f"{holder}, so you must explicitly reference that version in RemoveFromVersionId."
        )
    if source is not None and holder != source:
        raise InvalidParameterException(
            f"The staging label {label} isn't currently attached to version {source}, so it can't be removed from it."
        )
