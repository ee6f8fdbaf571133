"""EC2's errors. Its model describes none of them, so their codes stand here.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

from collections.abc import Mapping, Sequence
from functools import cache

from aws_api.core.errors import AwsError
from aws_api.services.ec2 import shapes
from aws_api.services.ec2.kinds import Kind


@cache
def error_of(code: str, status: int = 400) -> type[AwsError]:
    """The error class of a code; the same code is the same class."""
    return type(code.replace(".", ""), (AwsError,), {"code": code, "status": status})


DryRunOperation = error_of("DryRunOperation", 412)
UnsupportedOperation = error_of("UnsupportedOperation")
AuthFailure = error_of("AuthFailure", 403)
OperationNotPermitted = error_of("OperationNotPermitted")
DependencyViolation = error_of("DependencyViolation")
ResourceAlreadyAssociated = error_of("Resource.AlreadyAssociated")
GatewayNotAttached = error_of("Gateway.NotAttached")

MissingParameter = error_of("MissingParameter")
InvalidParameterValue = error_of("InvalidParameterValue")
InvalidParameterCombination = error_of("InvalidParameterCombination")
InvalidNextToken = error_of("InvalidNextToken")
FilterLimitExceeded = error_of("FilterLimitExceeded")
InvalidID = error_of("InvalidID")
IdempotentParameterMismatch = error_of("IdempotentParameterMismatch")
InvalidParameter = error_of("InvalidParameter")
TagLimitExceeded = error_of("TagLimitExceeded")

DefaultVpcAlreadyExists = error_of("DefaultVpcAlreadyExists")
DefaultSubnetAlreadyExistsInAvailabilityZone = error_of("DefaultSubnetAlreadyExistsInAvailabilityZone")
VpcIdNotSpecified = error_of("VPCIdNotSpecified")
DefaultVpcDoesNotExist = error_of("DefaultVpcDoesNotExist")
VpcCidrBlockLimitExceeded = error_of("VpcCidrBlockLimitExceeded")
InvalidVpcRange = error_of("InvalidVpc.Range")
InvalidVpcCidrBlockAssociationIdNotFound = error_of("InvalidVpcCidrBlockAssociationID.NotFound")
InvalidSubnetConflict = error_of("InvalidSubnet.Conflict")
InvalidSubnetRange = error_of("InvalidSubnet.Range")
InsufficientFreeAddressesInSubnet = error_of("InsufficientFreeAddressesInSubnet")

InvalidGroupNotFound = error_of("InvalidGroup.NotFound")
InvalidGroupDuplicate = error_of("InvalidGroup.Duplicate")
CannotDelete = error_of("CannotDelete")
InvalidPermissionDuplicate = error_of("InvalidPermission.Duplicate")
InvalidPermissionNotFound = error_of("InvalidPermission.NotFound")
RulesPerSecurityGroupLimitExceeded = error_of("RulesPerSecurityGroupLimitExceeded")
SecurityGroupsPerInterfaceLimitExceeded = error_of("SecurityGroupsPerInterfaceLimitExceeded")

InvalidIpAddressInUse = error_of("InvalidIPAddress.InUse")
InvalidAddressNotFound = error_of("InvalidAddress.NotFound")
NetworkInterfaceLimitExceeded = error_of("NetworkInterfaceLimitExceeded")

RouteAlreadyExists = error_of("RouteAlreadyExists")
InvalidRouteNotFound = error_of("InvalidRoute.NotFound")
InvalidAssociationIdNotFound = error_of("InvalidAssociationID.NotFound")

InvalidElasticIpIdNotFound = error_of("InvalidElasticIpID.NotFound")
InvalidNatGatewayIdNotFound = error_of("InvalidNatGatewayID.NotFound")
NatGatewayNotFound = error_of("NatGatewayNotFound")
InvalidStateTransition = error_of("InvalidStateTransition")
VpcPeeringConnectionAlreadyExists = error_of("VpcPeeringConnectionAlreadyExists")
InvalidNetworkAclEntryNotFound = error_of("InvalidNetworkAclEntry.NotFound")
NetworkAclEntryAlreadyExists = error_of("NetworkAclEntryAlreadyExists")
DuplicateSubnetsInSameZone = error_of("DuplicateSubnetsInSameZone")
InvalidPolicyDocument = error_of("InvalidPolicyDocument")
InvalidServiceName = error_of("InvalidServiceName")
InvalidPrefixListModification = error_of("InvalidPrefixListModification")
PrefixListMaxEntriesExceeded = error_of("PrefixListMaxEntriesExceeded")
PrefixListVersionMismatch = error_of("PrefixListVersionMismatch")
PrefixListVersionNotFound = error_of("InvalidPrefixListVersion.NotFound")
FlowLogAlreadyExists = error_of("FlowLogAlreadyExists")
PrivateIpAddressLimitExceeded = error_of("PrivateIpAddressLimitExceeded")
InvalidAmiIdMalformed = error_of("InvalidAMIID.Malformed")
InvalidAmiIdNotFound = error_of("InvalidAMIID.NotFound")
InvalidAttachmentIdNotFound = error_of("InvalidAttachmentID.NotFound")
InvalidInstanceType = error_of("InvalidInstanceType")


def missing(kind: Kind, resource_ids: Sequence[str]) -> AwsError:
    """The error for ids of a kind that do not exist."""
    error = error_of(kind.missing_code)
    if kind.missing_text is not None:
        return error(kind.missing_text.format(resource_ids[0]))
    if len(resource_ids) == 1:
        return error(f"The {kind.noun} '{resource_ids[0]}' does not exist")
    plural = f"{kind.noun}s" if kind.noun.endswith("ID") else f"{kind.noun} IDs"
    return error(f"The {plural} '{', '.join(resource_ids)}' do not exist")


def unsuccessful(failures: Mapping[str, AwsError]) -> list[shapes.UnsuccessfulItem]:
    """What a call over several resources says of those it could not do: the error of each id."""
    return [
        {"ResourceId": resource_id, "Error": {"Code": error.code, "Message": error.message}}
        for resource_id, error in failures.items()
    ]


def malformed(kind: Kind, resource_id: str) -> AwsError:
    """The error for an id that cannot be one of a kind."""
    if kind.malformed_code is None:
        return missing(kind, [resource_id])
    return error_of(kind.malformed_code)(f'Invalid id: "{resource_id}" (expecting "{kind.prefix}-...")')
