"""VPC endpoints: AWS's services reached from a VPC without internet.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.services.ec2 import kinds, shapes
from aws_api.services.ec2.describe import describe_endpoint_service, describe_vpc_endpoint
from aws_api.services.ec2.endpoint_services import (
    GATEWAY,
    INTERFACE,
    EndpointService,
    endpoint_services,
    find_endpoint_services,
)
from aws_api.services.ec2.errors import (
    DuplicateSubnetsInSameZone,
    InvalidParameter,
    InvalidPolicyDocument,
    InvalidServiceName,
    RouteAlreadyExists,
    UnsupportedOperation,
    unsuccessful,
)
from aws_api.services.ec2.filters import FilterTable
from aws_api.services.ec2.interfaces import create_interface, delete_interface, groups_for_interface
from aws_api.services.ec2.listing import listed, listed_shapes
from aws_api.services.ec2.models import RouteTable, SecurityGroup, Subnet, Vpc, VpcEndpoint
from aws_api.services.ec2.prefix_lists import aws_prefix_list
from aws_api.services.ec2.quotas import ENDPOINTS_PER_VPC, check_quota
from aws_api.services.ec2.service import operation
from aws_api.services.ec2.store import demanded_id, find, find_all, find_to_delete, hold, required, rows_of
from aws_api.services.ec2.tagging import tags_for
from aws_api.services.ec2.waking import wake, wake_members

FILTERS = FilterTable(
    {
        "ip-address-type": "IpAddressType",
        "service-name": "ServiceName",
        "service-region": "ServiceRegion",
        "vpc-endpoint-id": "VpcEndpointId",
        "vpc-endpoint-state": "State",
        "vpc-endpoint-type": "VpcEndpointType",
        "vpc-id": "VpcId",
    }
)
SERVICE_FILTERS = FilterTable(
    {
        "owner": "Owner",
        "service-name": "ServiceName",
        "service-region": "ServiceRegion",
        "service-type": "ServiceType.ServiceType",
        "supported-ip-address-types": "SupportedIpAddressTypes",
    }
)
_REQUESTER = "amazon-vpce"
_DEFAULT_POLICY = json.dumps(
    {"Version": "2008-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}
)
_UNSUPPORTED = ("SubnetConfigurations", "ServiceNetworkArn", "ResourceConfigurationArn")


@operation
def create_vpc_endpoint(context: Context, request: shapes.CreateVpcEndpointRequest) -> shapes.CreateVpcEndpointResult:
    """Make an endpoint: routes for a gateway one, interfaces for an interface one."""
    _refuse_unsupported(request)
    vpc = find(Vpc, context, request["VpcId"], locked=True)
    check_quota(ENDPOINTS_PER_VPC, vpc.endpoints.all())
    service = _find_service(context, required(request, "ServiceName"), request.get("VpcEndpointType", GATEWAY))
    is_gateway = service.type == GATEWAY
    _check_members(request, is_gateway=is_gateway)
    has_private_dns = not is_gateway and request.get("PrivateDnsEnabled", True) and service.private_names != ()
    if has_private_dns:
        _check_private_dns(vpc, service)
    endpoint = VpcEndpoint.objects.create(
        account_id=context.account_id,
        region=context.region,
        created_at=context.clock.now(),
        resource_id=demanded_id(context, kinds.VPC_ENDPOINT, VpcEndpoint, "VpcEndpointId"),
        tags=tags_for(kinds.VPC_ENDPOINT, request),
        document={"DnsOptions": request.get("DnsOptions") or {}},
        vpc=vpc,
        endpoint_type=service.type,
        service_name=service.name,
        policy_document=_checked_policy(request.get("PolicyDocument")),
        private_dns_enabled=has_private_dns,
        prefix_list=aws_prefix_list(context, service.name) if is_gateway else None,
    )
    if is_gateway:
        _add_route_tables(context, endpoint, request.get("RouteTableIds") or [])
    else:
        groups = groups_for_interface(context, vpc, request.get("SecurityGroupIds") or [])
        hold(groups)
        endpoint.security_groups.add(*groups)
        _add_subnets(context, endpoint, request.get("SubnetIds") or [])
    wake(vpc)
    shape = describe_vpc_endpoint(endpoint)
    answer: shapes.CreateVpcEndpointResult = {
        "VpcEndpoint": shape if is_gateway else {**shape, "State": "Pending"},
    }
    if token := request.get("ClientToken"):
        answer["ClientToken"] = token
    return answer


@operation
def modify_vpc_endpoint(context: Context, request: shapes.ModifyVpcEndpointRequest) -> shapes.ModifyVpcEndpointResult:
    """Change an endpoint's policy, route tables, subnets, security groups or private DNS."""
    _refuse_unsupported(request)
    endpoint = find(VpcEndpoint, context, request["VpcEndpointId"], locked=True)
    if endpoint.endpoint_type == GATEWAY:
        _modify_gateway(context, endpoint, request)
    else:
        _modify_interface(context, endpoint, request)
    columns: dict[str, Any] = {}
    if request.get("ResetPolicy"):
        columns["policy_document"] = _DEFAULT_POLICY
    elif "PolicyDocument" in request:
        columns["policy_document"] = _checked_policy(request["PolicyDocument"])
    if options := request.get("DnsOptions"):
        columns["document"] = {**endpoint.document, "DnsOptions": options}
    if columns:
        VpcEndpoint.objects.filter(pk=endpoint.pk).update(**columns)
    wake(endpoint.vpc)
    return {"Return": True}


@operation
def delete_vpc_endpoints(
    context: Context, request: shapes.DeleteVpcEndpointsRequest
) -> shapes.DeleteVpcEndpointsResult:
    """Delete endpoints with their interfaces and routes; those that there are not are answered as unsuccessful."""
    failures: dict[str, AwsError] = {}
    for endpoint_id in dict.fromkeys(request["VpcEndpointIds"]):
        try:
            endpoint = find_to_delete(VpcEndpoint, context, endpoint_id)
        except AwsError as failure:
            failures[endpoint_id] = failure
            continue
        for interface in endpoint.interfaces.select_related("vpc"):
            delete_interface(interface)
        endpoint.delete()
        wake(endpoint.vpc)
    return {"Unsuccessful": unsuccessful(failures)}


@operation
def describe_vpc_endpoints(
    context: Context, request: shapes.DescribeVpcEndpointsRequest
) -> shapes.DescribeVpcEndpointsResult:
    """List endpoints."""
    rows = (
        rows_of(VpcEndpoint, context)
        .select_related("vpc")
        .prefetch_related("route_tables", "security_groups", "interfaces__subnet")
    )
    endpoints, next_token = listed(
        request, rows, ids_member="VpcEndpointIds", filters=FILTERS, describe=describe_vpc_endpoint
    )
    return {"VpcEndpoints": endpoints, **next_token}


@operation
def describe_vpc_endpoint_services(
    context: Context, request: shapes.DescribeVpcEndpointServicesRequest
) -> shapes.DescribeVpcEndpointServicesResult:
    """List the services that endpoints can lead to."""
    services = endpoint_services(context.region)
    if names := request.get("ServiceNames"):
        for name in names:
            if not find_endpoint_services(context.region, name):
                raise _no_such_service(name)
        services = [service for service in services if service.name in names]
    details, next_token = listed_shapes(
        request, (describe_endpoint_service(service, context.region) for service in services), filters=SERVICE_FILTERS
    )
    return {
        "ServiceNames": list(dict.fromkeys(detail["ServiceName"] for detail in details)),
        "ServiceDetails": details,
        **next_token,
    }


def _refuse_unsupported(request: Mapping[str, Any]) -> None:
    for member in _UNSUPPORTED:
        if request.get(member):
            raise UnsupportedOperation(f"Simfra's endpoints lead to AWS's own services: no {member}.")
    if request.get("IpAddressType", "ipv4") != "ipv4":
        raise UnsupportedOperation("Simfra's endpoints have IPv4 addresses only.")


def _find_service(context: Context, name: str, endpoint_type: str) -> EndpointService:
    offered = find_endpoint_services(context.region, name)
    if not offered:
        raise _no_such_service(name)
    for service in offered:
        if service.type == endpoint_type:
            return service
    types = ", ".join(service.type for service in offered)
    raise InvalidParameter(f"Endpoint type ({endpoint_type}) does not match available service types ([{types}]).")


def _no_such_service(name: str) -> AwsError:
    return InvalidServiceName(f"The Vpc Endpoint Service '{name}' does not exist")


def _check_members(request: Mapping[str, Any], *, is_gateway: bool) -> None:
    if is_gateway:
        if request.get("SubnetIds"):
            raise InvalidParameter("Subnet IDs are only supported for Interface type VPC Endpoints.")
        if request.get("SecurityGroupIds"):
            raise InvalidParameter("Security group IDs are only supported for Interface type VPC Endpoints.")
        if request.get("PrivateDnsEnabled"):
            raise InvalidParameter("Private DNS can only be enabled on Interface type VPC Endpoints.")
    elif request.get("RouteTableIds"):
        raise InvalidParameter("Route table IDs are only supported for Gateway type VPC Endpoint.")


def _check_private_dns(vpc: Vpc, service: EndpointService) -> None:
    if not vpc.enable_dns_support or not vpc.enable_dns_hostnames:
        raise InvalidParameter(
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true "
            f"for {vpc.resource_id}"
        )
    if vpc.endpoints.filter(service_name=service.name, private_dns_enabled=True).exists():
        raise InvalidParameter(
            "private-dns-enabled cannot be set because there is already a conflicting DNS domain for "
            f"{service.private_names[0]} in the VPC {vpc.resource_id}"
        )


def _checked_policy(text: str | None) -> str:
    if not text:
        return _DEFAULT_POLICY
    try:
        policy = json.loads(text)
    except ValueError as error:
        raise InvalidPolicyDocument("The policy document is not valid JSON.") from error
    if not isinstance(policy, dict) or "Statement" not in policy:
        raise InvalidPolicyDocument("The policy document has no statement.")
    return text


def _modify_gateway(context: Context, endpoint: VpcEndpoint, request: Mapping[str, Any]) -> None:
    for member in ("AddSubnetIds", "RemoveSubnetIds", "AddSecurityGroupIds", "RemoveSecurityGroupIds"):
        if request.get(member):
            raise InvalidParameter(f"{member} is only supported for Interface type VPC Endpoints.")
    if request.get("PrivateDnsEnabled"):
        raise InvalidParameter("Private DNS can only be enabled on Interface type VPC Endpoints.")
    endpoint.route_tables.remove(*find_all(RouteTable, context, request.get("RemoveRouteTableIds") or []))
    _add_route_tables(context, endpoint, request.get("AddRouteTableIds") or [])


def _modify_interface(context: Context, endpoint: VpcEndpoint, request: Mapping[str, Any]) -> None:
    for member in ("AddRouteTableIds", "RemoveRouteTableIds"):
        if request.get(member):
            raise InvalidParameter("Route table IDs are only supported for Gateway type VPC Endpoint.")
    removed = find_all(Subnet, context, request.get("RemoveSubnetIds") or [])
    for interface in endpoint.interfaces.filter(subnet__in=removed).select_related("vpc"):
        delete_interface(interface)
    _change_groups(context, endpoint, request)
    _add_subnets(context, endpoint, request.get("AddSubnetIds") or [])
    asked = request.get("PrivateDnsEnabled")
    if asked is not None and asked != endpoint.private_dns_enabled:
        service = _find_service(context, endpoint.service_name, INTERFACE)
        if asked and not service.private_names:
            raise InvalidParameter(f"Private DNS can't be enabled because the service {service.name} has no names.")
        if asked:
            _check_private_dns(endpoint.vpc, service)
        VpcEndpoint.objects.filter(pk=endpoint.pk).update(private_dns_enabled=asked)


def _change_groups(context: Context, endpoint: VpcEndpoint, request: Mapping[str, Any]) -> None:
    removed = find_all(SecurityGroup, context, request.get("RemoveSecurityGroupIds") or [])
    asked = request.get("AddSecurityGroupIds") or []
    added = groups_for_interface(context, endpoint.vpc, asked) if asked else []
    if not removed and not added:
        return
    left = [group for group in endpoint.security_groups.order_by("pk") if group not in removed]
    groups = [*left, *(group for group in added if group not in left)]
    if not groups:
        raise InvalidParameter("An Interface type VPC Endpoint must have at least one security group.")
    hold(groups)
    endpoint.security_groups.set(groups)
    for interface in endpoint.interfaces.all():
        interface.groups.set(groups)
    wake_members([*removed, *groups])


def _add_route_tables(context: Context, endpoint: VpcEndpoint, table_ids: Sequence[str]) -> None:
    tables = find_all(RouteTable, context, table_ids)
    for table in tables:
        if table.vpc_id != endpoint.vpc_id:
            raise InvalidParameter(
                f"Route table {table.resource_id} does not belong to VPC {endpoint.vpc.resource_id}."
            )
        others = table.endpoints.filter(prefix_list=endpoint.prefix_list).exclude(pk=endpoint.pk)
        if others.exists() or table.routes.filter(prefix_list=endpoint.prefix_list).exists():
            raise RouteAlreadyExists(
                f"route table {table.resource_id} already has a route with destination-prefix-list-id "
                f"{endpoint.prefix_list}"
            )
    hold(tables)
    endpoint.route_tables.add(*tables)


def _add_subnets(context: Context, endpoint: VpcEndpoint, subnet_ids: Iterable[str]) -> None:
    zones = set(endpoint.interfaces.values_list("subnet__availability_zone", flat=True))
    groups = list(endpoint.security_groups.order_by("pk"))
    for subnet in find_all(Subnet, context, list(subnet_ids)):
        if subnet.vpc_id != endpoint.vpc_id:
            raise InvalidParameter(f"Subnet {subnet.resource_id} does not belong to VPC {endpoint.vpc.resource_id}.")
        if endpoint.interfaces.filter(subnet=subnet).exists():
            continue
        if subnet.availability_zone in zones:
            raise DuplicateSubnetsInSameZone(
                f"Found another VPC endpoint subnet in the availability zone of {subnet.resource_id}. "
                "VPC endpoint subnets should be in different availability zones supported by the VPC endpoint service."
            )
        zones.add(subnet.availability_zone)
        create_interface(
            context,
            subnet=subnet,
            groups=groups,
            description=f"VPC Endpoint Interface {endpoint.resource_id}",
            requester_id=_REQUESTER,
            interface_type="vpc_endpoint",
            vpc_endpoint=endpoint,
        )
