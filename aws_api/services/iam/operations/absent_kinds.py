"""Lists of what users and accounts cannot have here, so that they are empty: tools ask for them before a deletion."""

from collections.abc import Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.services.iam import shapes
from aws_api.services.iam.identities import find_user
from aws_api.services.iam.service import iam


@iam.operation
def list_mfa_devices(context: Context, request: shapes.ListMFADevicesRequest) -> shapes.ListMFADevicesResponse:
    """A user's MFA devices: none."""
    if user_name := request.get("UserName"):
        find_user(context, user_name)
    return {"MFADevices": [], "IsTruncated": False}


@iam.operation
def list_virtual_mfa_devices(
    context: Context, request: shapes.ListVirtualMFADevicesRequest
) -> shapes.ListVirtualMFADevicesResponse:
    """The account's virtual MFA devices: none."""
    return {"VirtualMFADevices": [], "IsTruncated": False}


@iam.operation
def list_signing_certificates(
    context: Context, request: shapes.ListSigningCertificatesRequest
) -> shapes.ListSigningCertificatesResponse:
    """A user's signing certificates: none."""
    find_user(context, request.get("UserName"))
    return {"Certificates": [], "IsTruncated": False}


@iam.operation
def list_ssh_public_keys(
    context: Context, request: shapes.ListSSHPublicKeysRequest
) -> shapes.ListSSHPublicKeysResponse:
    """A user's SSH keys: none."""
    find_user(context, request.get("UserName"))
    return {"SSHPublicKeys": [], "IsTruncated": False}


@iam.operation
def list_service_specific_credentials(
    context: Context, request: shapes.ListServiceSpecificCredentialsRequest
) -> shapes.ListServiceSpecificCredentialsResponse:
    """A user's passwords for single services: none."""
    if user_name := request.get("UserName"):
        find_user(context, user_name)
    return {"ServiceSpecificCredentials": []}


@iam.operation
def list_saml_providers(context: Context, request: Mapping[str, Any]) -> shapes.ListSAMLProvidersResponse:
    """The account's SAML providers: none."""
    return {"SAMLProviderList": []}


@iam.operation
def list_server_certificates(
    context: Context, request: shapes.ListServerCertificatesRequest
) -> shapes.ListServerCertificatesResponse:
    """The account's server certificates: none."""
    return {"ServerCertificateMetadataList": [], "IsTruncated": False}
