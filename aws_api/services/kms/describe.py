"""Rows as AWS's shapes."""

from typing import Any

from aws_api.services.kms import shapes
from aws_api.services.kms.key_specs import ALGORITHMS_MEMBER, KEY_SPECS, SYMMETRIC
from aws_api.services.kms.models import Alias, Grant, Key


def key_metadata(row: Key) -> shapes.KeyMetadata:
    """What DescribeKey answers of a key."""
    metadata: dict[str, Any] = {
        "AWSAccountId": row.account_id,
        "KeyId": row.key_id,
        "Arn": row.arn,
        "CreationDate": row.created_at,
        "Enabled": row.state == Key.State.ENABLED,
        "Description": row.description,
        "KeyUsage": row.usage,
        "KeyState": row.state,
        "Origin": "AWS_KMS",
        "KeyManager": row.manager,
        "CustomerMasterKeySpec": row.spec,
        "KeySpec": row.spec,
        "MultiRegion": row.is_multi_region,
        ALGORITHMS_MEMBER[row.usage]: list(KEY_SPECS[row.spec].algorithms[row.usage]),
    }
    if row.deletion_at is not None:
        metadata["DeletionDate"] = row.deletion_at
    if row.is_multi_region:
        primary = {"Arn": row.arn, "Region": row.region}
        metadata["MultiRegionConfiguration"] = {
            "MultiRegionKeyType": "PRIMARY",
            "PrimaryKey": primary,
            "ReplicaKeys": [],
        }
    if row.spec == SYMMETRIC:
        current = row.materials.order_by("-number").only("material_id").first()
        assert current is not None, f"{row} has no material"
        metadata["CurrentKeyMaterialId"] = current.material_id
    return metadata  # type: ignore[return-value]


def alias_entry(row: Alias) -> shapes.AliasListEntry:
    """An alias as ListAliases answers it."""
    return {
        "AliasName": row.name,
        "AliasArn": row.arn,
        "TargetKeyId": row.target_key.key_id,
        "CreationDate": row.created_at,
        "LastUpdatedDate": row.updated_at,
    }


def grant_entry(row: Grant) -> shapes.GrantListEntry:
    """A grant as ListGrants answers it; the token is not for others to see."""
    members = ("GranteePrincipal", "RetiringPrincipal", "GranteeServicePrincipal", "RetiringServicePrincipal",
               "Operations", "Constraints")  # fmt: skip
    entry: dict[str, Any] = {
        "KeyId": row.key.arn,
        "GrantId": row.grant_id,
        "Name": row.document.get("Name", ""),
        "CreationDate": row.created_at,
        "IssuingAccount": f"arn:aws:iam::{row.key.account_id}:root",
    }
    entry |= {member: row.document[member] for member in members if member in row.document}
    return entry  # type: ignore[return-value]
