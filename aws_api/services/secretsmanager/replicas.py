"""Replicas of a secret, as its status tells of them."""

from collections.abc import Iterable
from typing import Any

from aws_api.services.secretsmanager.models import Secret
from aws_api.services.secretsmanager.shapes import InvalidParameterException, ReplicaRegionType

_MEMBER = "ReplicationStatus"


def with_replicas(secret: Secret, added: Iterable[ReplicaRegionType], *, overwrite: bool = False) -> dict[str, Any]:
    """The secret's document with some more replicas. Raises InvalidParameterException."""
    replicas = {replica["Region"]: replica for replica in secret.document.get(_MEMBER, ())}
    for replica in added:
        region = replica.get("Region", "")
        if not region or region == secret.region:
            raise InvalidParameterException("Invalid replica region.")
        if region in replicas and not overwrite:
            raise InvalidParameterException(f"The secret is replicated to the region {region} already.")
        replicas[region] = {
            "Region": region,
            "KmsKeyId": replica.get("KmsKeyId") or "alias/aws/secretsmanager",
            "Status": "InSync",
        }
    return {**secret.document, _MEMBER: [replicas[region] for region in sorted(replicas)]}


def without_replicas(secret: Secret, regions: Iterable[str]) -> dict[str, Any]:
    """The secret's document with some replicas less. Raises InvalidParameterException."""
    replicas = {replica["Region"]: replica for replica in secret.document.get(_MEMBER, ())}
    for region in regions:
        if replicas.pop(region, None) is None:
            raise InvalidParameterException(f"The secret is not replicated to the region {region}.")
    return {**secret.document, _MEMBER: [replicas[region] for region in sorted(replicas)]}
