"""Multi-factor authentication: there are no devices here, so no code is ever right."""

from collections.abc import Mapping
from typing import Any

from aws_api.core.errors import AccessDeniedException


def refuse_mfa(request: Mapping[str, Any]) -> None:
    """Raise AccessDenied where the caller brings a device or a code."""
    if request.get("SerialNumber") or request.get("TokenCode"):
        raise AccessDeniedException(
            "MultiFactorAuthentication failed, unable to validate MFA code. Please verify your MFA serial number is "
            "valid and associated with this user."
        )
