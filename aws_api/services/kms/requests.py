"""What many requests of KMS have in common: dry runs and enclaves."""

from collections.abc import Mapping
from typing import Any

from aws_api.services.kms.shapes import DryRunOperationException, UnsupportedOperationException


def refuse_enclaves(request: Mapping[str, Any]) -> None:
    """Raise UnsupportedOperationException where the answer is to be encrypted for a Nitro enclave."""
    if request.get("Recipient"):
        raise UnsupportedOperationException("Simfra does not emulate attested recipients (Nitro enclaves).")


def end_dry_run(request: Mapping[str, Any]) -> None:
    """Raise DryRunOperationException where the request only asked whether it would succeed. Call it last."""
    if request.get("DryRun"):
        raise DryRunOperationException("The request would have succeeded, but the DryRun option is set.")
