"""Instances, their types and images: Simfra runs none, for its tasks are containers.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_api.core.context import Context
from aws_api.services.ec2 import kinds, shapes
from aws_api.services.ec2.errors import (
    InvalidAmiIdMalformed,
    InvalidAmiIdNotFound,
    InvalidAttachmentIdNotFound,
    InvalidInstanceType,
    OperationNotPermitted,
    malformed,
    missing,
)
from aws_api.services.ec2.filters import FilterTable
from aws_api.services.ec2.listing import listed_shapes
from aws_api.services.ec2.models import NetworkInterface
from aws_api.services.ec2.service import operation
from aws_api.services.ec2.store import find, rows_of

TYPE_FILTERS = FilterTable(
    {
        "bare-metal": "BareMetal",
        "burstable-performance-supported": "BurstablePerformanceSupported",
        "current-generation": "CurrentGeneration",
        "free-tier-eligible": "FreeTierEligible",
        "hypervisor": "Hypervisor",
        "instance-type": "InstanceType",
        "memory-info.size-in-mib": "MemoryInfo.SizeInMiB",
        "processor-info.supported-architecture": "ProcessorInfo.SupportedArchitectures",
        "supported-root-device-type": "SupportedRootDeviceTypes",
        "supported-usage-class": "SupportedUsageClasses",
        "supported-virtualization-type": "SupportedVirtualizationTypes",
        "vcpu-info.default-vcpus": "VCpuInfo.DefaultVCpus",
    }
)
#: Types that capacity providers and examples name: vCPUs and memory in MiB.
_TYPES: Mapping[str, tuple[int, int]] = {
    "c5.large": (2, 4096),
    "c5.xlarge": (4, 8192),
    "m5.large": (2, 8192),
    "m5.xlarge": (4, 16384),
    "r5.large": (2, 16384),
    "t2.micro": (1, 1024),
    "t3.large": (2, 8192),
    "t3.medium": (2, 4096),
    "t3.micro": (2, 1024),
    "t3.nano": (2, 512),
    "t3.small": (2, 2048),
    "t3.xlarge": (4, 16384),
}


class _AnyFilter(FilterTable):
    """Filters of what there is none of: every name will do, for nothing could pass."""

    def _test(self, filter_: Mapping[str, Any]) -> Any:
        return lambda _shape: False


_ANY = _AnyFilter({})


@operation
def describe_instances(_context: Context, request: shapes.DescribeInstancesRequest) -> shapes.DescribeInstancesResult:
    """List instances: none."""
    _refuse_instances(request.get("InstanceIds") or ())
    none: list[shapes.Reservation] = []
    reservations, next_token = listed_shapes(request, none, filters=_ANY)
    return {"Reservations": reservations, **next_token}


@operation
def describe_instance_status(
    _context: Context, request: shapes.DescribeInstanceStatusRequest
) -> shapes.DescribeInstanceStatusResult:
    """Tell how instances are: there are none."""
    _refuse_instances(request.get("InstanceIds") or ())
    none: list[shapes.InstanceStatus] = []
    statuses, next_token = listed_shapes(request, none, filters=_ANY)
    return {"InstanceStatuses": statuses, **next_token}


@operation
def describe_images(_context: Context, request: shapes.DescribeImagesRequest) -> shapes.DescribeImagesResult:
    """List machine images: none."""
    for image_id in request.get("ImageIds") or ():
        if not image_id.startswith("ami-"):
            raise InvalidAmiIdMalformed(f'Invalid id: "{image_id}" (expecting "ami-...")')
        raise InvalidAmiIdNotFound(f"The image id '[{image_id}]' does not exist")
    none: list[shapes.Image] = []
    images, next_token = listed_shapes(request, none, filters=_ANY, minimum=1)
    return {"Images": images, **next_token}


@operation
def describe_instance_types(
    _context: Context, request: shapes.DescribeInstanceTypesRequest
) -> shapes.DescribeInstanceTypesResult:
    """Tell the size of some well-known types."""
    asked = request.get("InstanceTypes")
    names: list[str] = [*asked] if asked else sorted(_TYPES)
    if unknown := [name for name in names if name not in _TYPES]:
        raise InvalidInstanceType(f"The following supplied instance types do not exist: [{', '.join(unknown)}]")
    types, next_token = listed_shapes(request, map(_describe_type, names), filters=TYPE_FILTERS)
    return {"InstanceTypes": types, **next_token}


@operation
def attach_network_interface(
    context: Context, request: shapes.AttachNetworkInterfaceRequest
) -> shapes.AttachNetworkInterfaceResult:
    """Refuse: there is no instance to attach an interface to."""
    find(NetworkInterface, context, request["NetworkInterfaceId"])
    raise _no_such_instance(request["InstanceId"])


@operation
def detach_network_interface(context: Context, request: shapes.DetachNetworkInterfaceRequest) -> None:
    """Refuse: what is attached, is so by a service of AWS's."""
    attachment_id = request["AttachmentId"]
    if not attachment_id or not rows_of(NetworkInterface, context).filter(attachment_id=attachment_id).exists():
        raise InvalidAttachmentIdNotFound(f"The attachment ID '{attachment_id}' does not exist")
    raise OperationNotPermitted(f"You are not allowed to manage '{attachment_id}' attachments.")


def _refuse_instances(instance_ids: Sequence[str]) -> None:
    for instance_id in instance_ids:
        raise _no_such_instance(instance_id)


def _no_such_instance(instance_id: str) -> Exception:
    if not kinds.INSTANCE.matches(instance_id):
        return malformed(kinds.INSTANCE, instance_id)
    return missing(kinds.INSTANCE, [instance_id])


def _describe_type(name: str) -> shapes.InstanceTypeInfo:
    vcpus, memory_mib = _TYPES[name]
    shape: Any = {
        "InstanceType": name,
        "CurrentGeneration": not name.startswith("t2."),
        "FreeTierEligible": name in ("t2.micro", "t3.micro"),
        "SupportedUsageClasses": ["on-demand", "spot"],
        "SupportedRootDeviceTypes": ["ebs"],
        "SupportedVirtualizationTypes": ["hvm"],
        "BareMetal": False,
        "Hypervisor": "xen" if name.startswith("t2.") else "nitro",
        "ProcessorInfo": {"SupportedArchitectures": ["x86_64"]},
        "VCpuInfo": {"DefaultVCpus": vcpus},
        "MemoryInfo": {"SizeInMiB": memory_mib},
        "InstanceStorageSupported": False,
        "BurstablePerformanceSupported": name.startswith("t"),
    }
    return shape  # type: ignore[no-any-return]
