"""GetSecretValue, BatchGetSecretValue."""

from collections.abc import Sequence

from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.core.execution import run_in_thread
from aws_api.core.invoke import find_operation, invoke_async
from aws_api.core.pagination import page_of_list
from aws_api.services.secretsmanager import protection
from aws_api.services.secretsmanager.filters import check_filters, matches
from aws_api.services.secretsmanager.models import Secret
from aws_api.services.secretsmanager.names import parse_secret_id, secret_not_found
from aws_api.services.secretsmanager.secrets import marked_for_deletion
from aws_api.services.secretsmanager.service import secretsmanager
from aws_api.services.secretsmanager.shapes import (
    APIErrorType,
    BatchGetSecretValueRequest,
    BatchGetSecretValueResponse,
    GetSecretValueRequest,
    GetSecretValueResponse,
    InvalidNextTokenException,
    InvalidParameterException,
    InvalidRequestException,
    ResourceNotFoundException,
    SecretValueEntry,
)
from aws_api.services.secretsmanager.stages import CURRENT
from aws_api.services.secretsmanager.store import Asked, FoundSecret, FoundVersion, note_access, secret_store

MAX_BATCH = 20


@secretsmanager.operation
async def get_secret_value(context: Context, request: GetSecretValueRequest) -> GetSecretValueResponse:
    """The value of a secret's version: of AWSCURRENT, unless another stage or version is named.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
    """
    secret, version = await _find(context, request)
    data = await protection.decrypt(
        context,
        secret.arn,
        version.version_id,
        encrypted_key=version.encrypted_key,
        encrypted_value=version.encrypted_value,
        has_managed_key=version.has_managed_key,
    )
    await note_access(secret, version, context.clock.now().date())
    answer: GetSecretValueResponse = {
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": version.version_id,
        "VersionStages": list(version.stages),
        "CreatedDate": version.created_at,
    }
    if version.is_binary:
        answer["SecretBinary"] = data
    else:
        answer["SecretString"] = data.decode()
    return answer


@secretsmanager.operation
async def batch_get_secret_value(context: Context, request: BatchGetSecretValueRequest) -> BatchGetSecretValueResponse:
    """The current values of up to twenty secrets, by ids or by filters; what cannot be read is an error of its own.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html
    """
    ids, filters = request.get("SecretIdList"), request.get("Filters")
    if bool(ids) == bool(filters):
        raise InvalidParameterException("You must include either Filters or SecretIdList, but not both.")
    token: str | None = None
    chosen: Sequence[str] = ids or ()
    if filters:
        chosen, token = await run_in_thread(_filtered_page, context, request)
    elif "MaxResults" in request:
        raise InvalidParameterException("MaxResults is only for requests with Filters.")
    answer: BatchGetSecretValueResponse = {"SecretValues": [], "Errors": []}
    # As a client's own calls would be: each secret needs its own permission.
    get = find_operation("secretsmanager", "GetSecretValue")
    for secret_id in chosen:
        try:
            entry: SecretValueEntry = await invoke_async(context, get, {"SecretId": secret_id})  # type: ignore[assignment]
            answer["SecretValues"].append(entry)
        except AwsError as error:
            failure: APIErrorType = {"SecretId": secret_id, "ErrorCode": error.code, "Message": error.message}
            answer["Errors"].append(failure)
    if token:
        answer["NextToken"] = token
    return answer


async def _find(context: Context, request: GetSecretValueRequest) -> tuple[FoundSecret, FoundVersion]:
    name = parse_secret_id(context, request["SecretId"])
    version_id, stage = request.get("VersionId"), request.get("VersionStage")
    asked = Asked(
        account_id=context.account_id,
        region=context.region,
        name=name,
        version_id=version_id,
        stage=stage or (None if version_id else CURRENT),
    )
    secret = await secret_store().get(asked)
    now = context.clock.now()
    if secret is None or (secret.deletion_at is not None and secret.deletion_at <= now):
        raise secret_not_found()
    if secret.deletion_at is not None:
        raise marked_for_deletion()
    if secret.version is not None:
        return secret, secret.version
    if version_id and stage:
        both = Asked(account_id=asked.account_id, region=asked.region, name=name, version_id=version_id, stage=None)
        found = await secret_store().get(both)
        if found is not None and found.version is not None:
            raise InvalidRequestException(
                "You provided a VersionStage that is not associated to the provided VersionId."
            )
    what = f"VersionId: {version_id}" if version_id else f"staging label: {asked.stage}"
    raise ResourceNotFoundException(f"Secrets Manager can't find the specified secret value for {what}")


def _filtered_page(context: Context, request: BatchGetSecretValueRequest) -> tuple[Sequence[str], str | None]:
    filters = request["Filters"]
    check_filters(filters)
    rows = Secret.objects.filter(account_id=context.account_id, region=context.region, deletion_at=None)
    return page_of_list(
        [row.arn for row in rows.order_by("created_at", "id") if matches(row, filters)],
        token=request.get("NextToken"),
        limit=request.get("MaxResults") or MAX_BATCH,
        error=InvalidNextTokenException,
    )
