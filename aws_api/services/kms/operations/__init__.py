"""The operations of KMS, a module per family. https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html"""

from aws_api.services.kms.operations import (
    agreement,
    aliases,
    data_keys,
    encryption,
    grants,
    key_states,
    keys,
    macs,
    policies,
    rotation,
    signing,
    tags,
)

__all__ = [
    "agreement",
    "aliases",
    "data_keys",
    "encryption",
    "grants",
    "key_states",
    "keys",
    "macs",
    "policies",
    "rotation",
    "signing",
    "tags",
]
