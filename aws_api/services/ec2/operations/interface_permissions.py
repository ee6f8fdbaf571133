"""Permissions on network interfaces that other accounts are given.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkInterfacePermission.html
"""

from aws_api.core.context import Context
from aws_api.services.ec2 import kinds, shapes
from aws_api.services.ec2.describe import describe_interface_permission
from aws_api.services.ec2.errors import (
    InvalidParameterCombination,
    InvalidPermissionDuplicate,
    OperationNotPermitted,
)
from aws_api.services.ec2.filters import FilterTable
from aws_api.services.ec2.listing import listed
from aws_api.services.ec2.models import NetworkInterface, NetworkInterfacePermission
from aws_api.services.ec2.service import operation
from aws_api.services.ec2.store import demanded_id, find, find_to_delete, rows_of

FILTERS = FilterTable(
    {
        "network-interface-permission.network-interface-permission-id": "NetworkInterfacePermissionId",
        "network-interface-permission.network-interface-id": "NetworkInterfaceId",
        "network-interface-permission.aws-account-id": "AwsAccountId",
        "network-interface-permission.aws-service": "AwsService",
        "network-interface-permission.permission": "Permission",
    }
)


@operation
def create_network_interface_permission(
    context: Context, request: shapes.CreateNetworkInterfacePermissionRequest
) -> shapes.CreateNetworkInterfacePermissionResult:
    """Let another account attach an interface, or associate addresses with it."""
    account_id, service = request.get("AwsAccountId", ""), request.get("AwsService", "")
    if bool(account_id) == bool(service):
        raise InvalidParameterCombination("Exactly one of awsAccountId and awsService must be specified.")
    interface = find(NetworkInterface, context, request["NetworkInterfaceId"], locked=True)
    if interface.in_use:
        raise OperationNotPermitted(f"Network interface {interface.resource_id} is attached.")
    grantee = {
        "grantee_account_id": account_id,
        "grantee_service": service,
        "permission": request["Permission"],
    }
    if interface.permissions.filter(**grantee).exists():
        raise InvalidPermissionDuplicate("The specified permission already exists.")
    row = NetworkInterfacePermission.objects.create(
        account_id=context.account_id,
        region=context.region,
        created_at=context.clock.now(),
        resource_id=demanded_id(
            context, kinds.NETWORK_INTERFACE_PERMISSION, NetworkInterfacePermission, "NetworkInterfacePermissionId"
        ),
        interface=interface,
        **grantee,
    )
    return {"InterfacePermission": describe_interface_permission(row)}


@operation
def delete_network_interface_permission(
    context: Context, request: shapes.DeleteNetworkInterfacePermissionRequest
) -> shapes.DeleteNetworkInterfacePermissionResult:
    """Take a permission back."""
    find_to_delete(NetworkInterfacePermission, context, request["NetworkInterfacePermissionId"]).delete()
    return {"Return": True}


@operation
def describe_network_interface_permissions(
    context: Context, request: shapes.DescribeNetworkInterfacePermissionsRequest
) -> shapes.DescribeNetworkInterfacePermissionsResult:
    """List the permissions that were given."""
    permissions, next_token = listed(
        request,
        rows_of(NetworkInterfacePermission, context).select_related("interface"),
        ids_member="NetworkInterfacePermissionIds",
        filters=FILTERS,
        describe=describe_interface_permission,
    )
    return {"NetworkInterfacePermissions": permissions, **next_token}
