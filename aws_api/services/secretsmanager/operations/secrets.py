"""CreateSecret, DescribeSecret, UpdateSecret."""

from django.db import IntegrityError, transaction

from aws_api.core.context import Context
from aws_api.core.tags import tags_from_list
from aws_api.services.secretsmanager import describe
from aws_api.services.secretsmanager.cross_account import (
    check_new_replica,
    new_replica,
    replicate,
    require_own_value,
)
from aws_api.services.secretsmanager.models import Secret
from aws_api.services.secretsmanager.names import check_new_name, new_arn_suffix
from aws_api.services.secretsmanager.replicas import with_replicas
from aws_api.services.secretsmanager.secrets import find_secret, remove_gone_secrets
from aws_api.services.secretsmanager.service import secretsmanager
from aws_api.services.secretsmanager.shapes import (
    CreateSecretRequest,
    CreateSecretResponse,
    DescribeSecretRequest,
    DescribeSecretResponse,
    InvalidRequestException,
    ResourceExistsException,
    UpdateSecretRequest,
    UpdateSecretResponse,
)
from aws_api.services.secretsmanager.tagging import check_tags
from aws_api.services.secretsmanager.versions import (
    encrypt_anew,
    read_version,
    requested_value,
    write_version,
)


@secretsmanager.operation
def create_secret(context: Context, request: CreateSecretRequest) -> CreateSecretResponse:
    """Make a secret, with its first version where a value is given.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
    """
    name = request["Name"]
    check_new_name(name)
    primary_arn = request.get("CrossAccountPrimaryARN")
    if primary_arn:
        check_new_replica(context, request)
    value = requested_value(request)
    remove_gone_secrets(context)
    existing = _existing(context, name)
    if existing is not None:
        return _created_before(context, existing, request)
    now = context.clock.now()
    secret = Secret(
        account_id=context.account_id,
        region=context.region,
        name=name,
        suffix=new_arn_suffix(),
        description=request.get("Description", ""),
        kms_key_id=request.get("KmsKeyId", ""),
        tags=check_tags({}, tags_from_list(request.get("Tags"))),
        document={"Type": request["Type"]} if request.get("Type") else {},
        created_at=now,
        changed_at=now,
    )
    if primary_arn:
        secret.document = new_replica(primary_arn)
    if replicas := request.get("AddReplicaRegions"):
        secret.document = with_replicas(secret, replicas)
    try:
        with transaction.atomic():
            secret.save(force_insert=True)
    except IntegrityError:
        # Another request was quicker.
        raise _already_exists(name) from None
    answer: CreateSecretResponse = {"ARN": secret.arn, "Name": name}
    if value is not None:
        answer["VersionId"] = write_version(context, secret, value, request.get("ClientRequestToken"), None).version_id
    if secret.document.get("ReplicationStatus"):
        answer["ReplicationStatus"] = secret.document["ReplicationStatus"]
    return answer


@secretsmanager.operation
def describe_secret(context: Context, request: DescribeSecretRequest) -> DescribeSecretResponse:
    """All of a secret but its values, also while it waits for its deletion.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html
    """
    secret = find_secret(context, request["SecretId"], allows_deleted=True)
    return describe.secret(secret, context.clock.now())


@secretsmanager.operation
def update_secret(context: Context, request: UpdateSecretRequest) -> UpdateSecretResponse:
    """Change a secret's description or key, and with a value make a new current version.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecret.html
    """
    value = requested_value(request)
    secret = find_secret(context, request["SecretId"], lock=True)
    if value is not None:
        require_own_value(secret)
    if "Description" in request:
        secret.description = request["Description"]
    if request.get("Type"):
        secret.document["Type"] = request["Type"]
    has_new_key = "KmsKeyId" in request and request["KmsKeyId"] != secret.kms_key_id
    if has_new_key:
        secret.kms_key_id = request["KmsKeyId"]
    secret.changed_at = context.clock.now()
    secret.save()
    if has_new_key:
        encrypt_anew(context, secret)
    answer: UpdateSecretResponse = {"ARN": secret.arn, "Name": secret.name}
    if value is not None:
        answer["VersionId"] = write_version(context, secret, value, request.get("ClientRequestToken"), None).version_id
        replicate(context, secret)
    return answer


def _existing(context: Context, name: str) -> Secret | None:
    rows = Secret.objects.select_for_update()
    return rows.filter(account_id=context.account_id, region=context.region, name=name).first()


def _created_before(context: Context, existing: Secret, request: CreateSecretRequest) -> CreateSecretResponse:
    """The answer to a request that was made before; SDKs repeat it where they heard no answer."""
    if existing.deletion_at is not None:
        raise InvalidRequestException(
            "You can't create this secret because a secret with this name is already scheduled for deletion."
        )
    token, value = request.get("ClientRequestToken"), requested_value(request)
    version = existing.versions.filter(version_id=token).first() if token else None
    if version is None or value is None or read_version(context, existing, version) != value:
        raise _already_exists(existing.name)
    return {"ARN": existing.arn, "Name": existing.name, "VersionId": version.version_id}


def _already_exists(name: str) -> ResourceExistsException:
    return ResourceExistsException(f"The operation failed because the secret {name} already exists.")
