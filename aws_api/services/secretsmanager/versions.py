"""Writing a secret's versions: values, idempotency, staging labels.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_api.core.context import Context
from aws_api.core.execution import run_on_loop
from aws_api.core.ids import new_uuid
from aws_api.services.secretsmanager import protection
from aws_api.services.secretsmanager.models import Secret, SecretVersion
from aws_api.services.secretsmanager.shapes import (
    InvalidParameterException,
    LimitExceededException,
    ResourceExistsException,
)
from aws_api.services.secretsmanager.stages import CURRENT, Stages, put_stages

#: As many as AWS keeps for sure; what is older and has no label goes.
MAX_VERSIONS = 100
MAX_STAGES = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class SecretValue:
    """What a version says. A string is kept as UTF-8."""

    data: bytes
    is_binary: bool


def requested_value(request: Mapping[str, Any]) -> SecretValue | None:
    """The value in a request, None where it has none. Raises InvalidParameterException where it has two."""
    text, binary = request.get("SecretString"), request.get("SecretBinary")
    if text is not None and binary is not None:
        raise InvalidParameterException(
            "You can't specify both a binary secret value and a string secret value in the same secret."
        )
    if text is not None:
        return SecretValue(data=text.encode(), is_binary=False)
    return None if binary is None else SecretValue(data=binary, is_binary=True)


def write_version(
    context: Context, secret: Secret, value: SecretValue, token: str | None, stages: Sequence[str] | None
) -> SecretVersion:
    """A new version of a locked secret, or the one of the same token where that says the same.

    Raises ResourceExistsException where the version of the token says something else.
    """
    version_id = token or new_uuid()
    existing = secret.versions.filter(version_id=version_id).first()
    if existing is not None:
        if read_version(context, secret, existing) != value:
            raise ResourceExistsException("A resource with the ID you requested already exists.")
        return existing
    version = SecretVersion(
        secret=secret, version_id=version_id, is_binary=value.is_binary, created_at=context.clock.now()
    )
    _protect(context, secret, version, value)
    labels = list(stages or (CURRENT,))
    if not secret.versions.exists() and CURRENT not in labels:
        labels.append(CURRENT)
    version.save(force_insert=True)
    save_stages(secret, put_stages(stages_of(secret), version_id, labels))
    version.refresh_from_db(fields=["stages"])
    secret.changed_at = context.clock.now()
    secret.save(update_fields=["changed_at"])
    _forget_deprecated(secret)
    return version


def encrypt_anew(context: Context, secret: Secret) -> None:
    """Encrypt the labelled versions under the key that the secret has now."""
    for version in secret.versions.exclude(stages=[]):
        _protect(context, secret, version, read_version(context, secret, version))
        version.save()


def read_version(context: Context, secret: Secret, version: SecretVersion) -> SecretValue:
    """What a version says. Raises as protection.decrypt does."""
    data = run_on_loop(
        protection.decrypt(
            context,
            secret.arn,
            version.version_id,
            encrypted_key=bytes(version.encrypted_key),
            encrypted_value=bytes(version.encrypted_value),
            has_managed_key=version.has_managed_key,
        )
    )
    return SecretValue(data=data, is_binary=version.is_binary)


def stages_of(secret: Secret) -> Stages:
    """The labels of a secret's versions."""
    rows = secret.versions.order_by("created_at", "id").values_list("version_id", "stages")
    return {version_id: tuple(stages) for version_id, stages in rows}


def save_stages(secret: Secret, stages: Stages) -> None:
    """Write the labels of a locked secret's versions. Raises LimitExceededException."""
    before = stages_of(secret)
    for version_id, labels in stages.items():
        if len(labels) > MAX_STAGES:
            raise LimitExceededException(f"A version can have a maximum of {MAX_STAGES} staging labels.")
        if before.get(version_id) != labels:
            secret.versions.filter(version_id=version_id).update(stages=list(labels))


def _protect(context: Context, secret: Secret, version: SecretVersion, value: SecretValue) -> None:
    protected = protection.encrypt(context, secret.arn, version.version_id, secret.kms_key_id, value.data)
    version.encrypted_key = protected.encrypted_key
    version.encrypted_value = protected.encrypted_value
    version.key_id = protected.key_id
    version.has_managed_key = protected.has_managed_key


def _forget_deprecated(secret: Secret) -> None:
    excess = secret.versions.count() - MAX_VERSIONS
    if excess > 0:
        deprecated = secret.versions.filter(stages=[]).order_by("created_at", "id")
        SecretVersion.objects.filter(pk__in=list(deprecated.values_list("pk", flat=True)[:excess])).delete()
