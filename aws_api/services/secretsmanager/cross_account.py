"""Replicas in another account: both owners agree, and the replica's versions are kept as the primary's are.

The replica names its primary, and a policy that AWS manages lets the primary's account accept for it; the primary is
then associated. Every change of the primary's versions is copied in the same call, by the rights of the caller or of a
role that was named. What fails then is the replica's status, not the caller's error.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/cross-account-replicate-secrets.html
"""

from dataclasses import replace
from typing import Any

from django.db import transaction

from aws_api.core.arns import Arn
from aws_api.core.authorization import find_credential
from aws_api.core.context import Context, Principal, PrincipalType, internal_context
from aws_api.core.errors import AwsError
from aws_api.core.execution import run_on_loop
from aws_api.core.invoke import invoke
from aws_api.services.secretsmanager import protection
from aws_api.services.secretsmanager.models import Secret, SecretVersion
from aws_api.services.secretsmanager.secrets import secret_of_arn
from aws_api.services.secretsmanager.shapes import (
    CreateSecretRequest,
    InvalidParameterException,
    InvalidRequestException,
)
from aws_api.services.secretsmanager.versions import read_version, save_stages, stages_of

IN_SYNC, FAILED, PENDING, DETACHED = "InSync", "Failed", "Pending", "Detached"

_PRIMARY = "CrossAccountPrimary"
_REPLICAS = "CrossAccountReplicas"
_SERVICE = "secretsmanager.amazonaws.com"
_SESSION = "SecretsManagerCrossAccountReplication"
#: What the owner of another account's secret says of the value, and cannot be said with CrossAccountPrimaryARN.
_NOT_OF_A_REPLICA = ("SecretString", "SecretBinary", "Description", "AddReplicaRegions", "Type")


def check_new_replica(context: Context, request: CreateSecretRequest) -> None:
    """Raise InvalidParameterException for what can be no replica of another account's secret."""
    if given := [member for member in _NOT_OF_A_REPLICA if member in request]:
        raise InvalidParameterException(f"You can't include {given[0]} when you create a cross-account replica secret.")
    _check_place(context, request["CrossAccountPrimaryARN"], "CrossAccountPrimaryARN")
    if not request.get("KmsKeyId"):
        raise InvalidParameterException(
            "You must specify a customer managed KMS key in KmsKeyId when you create a cross-account replica secret."
        )
    if protection.is_managed(context, request["KmsKeyId"]):
        raise InvalidParameterException(
            "You can't use the AWS managed key aws/secretsmanager to encrypt a cross-account replica secret."
        )


def new_replica(primary_arn: str) -> dict[str, Any]:
    """The document of a replica that waits to be associated."""
    return {_PRIMARY: {"PrimarySecretARN": primary_arn, "ReplicationStatus": PENDING}}


def primary_arn_of(secret: Secret) -> str | None:
    """The other account's secret that a replica is of; None for a secret of its own."""
    primary = secret.document.get(_PRIMARY)
    return str(primary["PrimarySecretARN"]) if primary else None


def has_replica(secret: Secret) -> bool:
    """Whether a replica in another account is associated with a secret."""
    entry = _entry(secret)
    return entry is not None and entry["ReplicationStatus"] != DETACHED


def require_own_value(secret: Secret) -> None:
    """Raise InvalidRequestException for a replica: its versions are its primary's."""
    if primary_arn_of(secret) is not None:
        raise InvalidRequestException(
            "You can't perform this operation on a cross-account replica secret. Perform it on the primary secret."
        )


def check_replica_arn(context: Context, replica_arn: str) -> None:
    """Raise InvalidParameterException for what is no secret of another account in the same region."""
    _check_place(context, replica_arn, "CrossAccountReplicaARN")


def associate(context: Context, primary: Secret, replica: Secret, role_arn: str | None) -> None:
    """Copy a locked primary's versions to its locked replica, from now on always.

    Raises AwsError where the caller or the role may not.
    """
    entry = {"ReplicaSecretARN": replica.arn, "ReplicationStatus": IN_SYNC}
    if role_arn:
        entry["ReplicationRoleARN"] = role_arn
    _copy(context, primary, replica, role_arn)
    _set_status(replica, _status(IN_SYNC))
    _set_entry(primary, entry)


def replicate(context: Context, primary: Secret) -> None:
    """Bring the replica of a locked secret in step, where it has one. What fails is its status."""
    if not has_replica(primary):
        return
    entry = _entry(primary)
    assert entry is not None, "it has a replica"
    replica = secret_of_arn(entry["ReplicaSecretARN"], lock=True)
    if replica is None:
        _set_entry(primary, {**entry, **_status(FAILED, "The replica secret doesn't exist.")})
        return
    try:
        with transaction.atomic():
            _copy(context, primary, replica, entry.get("ReplicationRoleARN"))
        status = _status(IN_SYNC)
    except AwsError as error:
        status = _status(FAILED, error.message)
    _set_status(replica, status)
    _set_entry(primary, {**_without_status(entry), **status})


def disassociate(primary: Secret, replica_arn: str) -> None:
    """Copy nothing more to a replica; it stays one that is detached. Raises InvalidRequestException."""
    entry = _entry(primary)
    if entry is None or entry["ReplicaSecretARN"] != replica_arn:
        raise InvalidRequestException("The secret isn't associated with the specified cross-account replica.")
    if (replica := secret_of_arn(replica_arn, lock=True)) and primary_arn_of(replica) == primary.arn:
        _set_status(replica, _status(DETACHED))
    _set_entry(primary, None)


def make_standalone(replica: Secret, primary: Secret | None) -> None:
    """Let a replica be a secret of its own; its primary, where it is still there, is told that it is detached."""
    replica.document = {member: value for member, value in replica.document.items() if member != _PRIMARY}
    replica.save(update_fields=["document"])
    entry = _entry(primary) if primary is not None else None
    if primary is not None and entry is not None and entry["ReplicaSecretARN"] == replica.arn:
        _set_entry(primary, {**_without_status(entry), **_status(DETACHED)})


def is_free_for(primary: Secret, replica_arn: str) -> bool:
    """Whether a primary may be associated with a replica: it has none, or that one, or one that left it."""
    entry = _entry(primary)
    return entry is None or entry["ReplicaSecretARN"] == replica_arn or not has_replica(primary)


def _check_place(context: Context, text: str, member: str) -> None:
    try:
        arn = Arn.parse(text)
    except ValueError:
        arn = None
    if arn is None or arn.service != "secretsmanager" or not arn.resource.startswith("secret:"):
        raise InvalidParameterException(f"{member} is not the ARN of a secret.")
    if arn.region != context.region:
        raise InvalidParameterException("The primary and replica secrets must be in the same AWS Region.")
    if arn.account_id == context.account_id:
        raise InvalidParameterException("The primary and replica secrets must be in different AWS accounts.")


def _copy(context: Context, primary: Secret, replica: Secret, role_arn: str | None) -> None:
    acting = _as_role(context, role_arn) if role_arn else context
    there = set(replica.versions.values_list("version_id", flat=True))
    for version in primary.versions.exclude(stages=[]).order_by("created_at", "id"):
        if version.version_id in there:
            continue
        value = read_version(acting, primary, version)
        protected = protection.encrypt_for_another(
            acting,
            replica.arn,
            version.version_id,
            value.data,
            owner=replica.account_id,
            key_id=replica.kms_key_id,
        )
        SecretVersion.objects.create(
            secret=replica,
            version_id=version.version_id,
            is_binary=value.is_binary,
            created_at=context.clock.now(),
            encrypted_key=protected.encrypted_key,
            encrypted_value=protected.encrypted_value,
            key_id=protected.key_id,
            has_managed_key=protected.has_managed_key,
        )
    labelled = {version_id: labels for version_id, labels in stages_of(primary).items() if labels}
    save_stages(replica, {version_id: labelled.get(version_id, ()) for version_id in stages_of(replica)})
    replica.changed_at = context.clock.now()
    replica.save(update_fields=["changed_at"])


def _as_role(context: Context, role_arn: str) -> Context:
    """The circumstances of a session of the role, which must trust Secrets Manager. Raises AwsError."""
    service = Principal(type=PrincipalType.SERVICE, arn=_SERVICE, account_id=context.account_id, user_id=_SERVICE)
    asking = internal_context(context.account_id, context.region, context.clock).as_principal(service)
    request = {"RoleArn": role_arn, "RoleSessionName": _SESSION}
    session = invoke(asking, "sts", "AssumeRole", request)["Credentials"]
    credential = run_on_loop(find_credential(session["AccessKeyId"], session["SessionToken"]))
    assert credential is not None, "STS knows the sessions it makes"
    return replace(context, principal=credential.principal, forced_ids={})


def _entry(secret: Secret) -> dict[str, Any] | None:
    """A secret has one replica in another account at most."""
    entries = secret.document.get(_REPLICAS)
    return entries[0] if entries else None


def _set_entry(primary: Secret, entry: dict[str, Any] | None) -> None:
    others = {member: value for member, value in primary.document.items() if member != _REPLICAS}
    primary.document = {**others, _REPLICAS: [entry]} if entry else others
    primary.save(update_fields=["document"])


def _status(status: str, message: str = "") -> dict[str, str]:
    return {"ReplicationStatus": status} | ({"StatusMessage": message} if message else {})


def _without_status(entry: dict[str, Any]) -> dict[str, Any]:
    return {member: value for member, value in entry.items() if member != "StatusMessage"}


def _set_status(replica: Secret, status: dict[str, str]) -> None:
    primary = {"PrimarySecretARN": primary_arn_of(replica), **status}
    replica.document = {**replica.document, _PRIMARY: primary}
    replica.save(update_fields=["document"])
