"""What an account may have, the security policies that there are, and capacity that is reserved on paper.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeAccountLimits.html
"""

from datetime import datetime
from typing import Any

from aws_api.core.context import Context
from aws_api.core.pagination import page_of_list
from aws_api.services.elbv2 import shapes, ssl_policies
from aws_api.services.elbv2.errors import ValidationError
from aws_api.services.elbv2.limits import ACCOUNT_LIMITS
from aws_api.services.elbv2.listing import DEFAULT_PAGE
from aws_api.services.elbv2.models import LoadBalancer
from aws_api.services.elbv2.service import elbv2
from aws_api.services.elbv2.store import find_load_balancer

Shape = dict[str, Any]

_RESERVATION = "CapacityReservation"
MAX_CHANGES_A_DAY = 2


@elbv2.operation
def describe_account_limits(context: Context, request: shapes.DescribeAccountLimitsInput) -> Shape:
    """The account's quotas."""
    found = [{"Name": name, "Max": str(most)} for name, most in sorted(ACCOUNT_LIMITS.items())]
    return _page(request, "Limits", found)


@elbv2.operation
def describe_ssl_policies(context: Context, request: shapes.DescribeSSLPoliciesInput) -> Shape:
    """The security policies, all or those named."""
    names = request.get("Names") or list(ssl_policies.POLICIES)
    for name in names:
        if name not in ssl_policies.POLICIES:
            raise shapes.SSLPolicyNotFoundException(f"SSL policy '{name}' not found")
    return _page(request, "SslPolicies", [ssl_policies.POLICIES[name].describe() for name in names])


@elbv2.operation
def describe_capacity_reservation(context: Context, request: shapes.DescribeCapacityReservationInput) -> Shape:
    """The capacity that was reserved."""
    return _reservation(find_load_balancer(context, request["LoadBalancerArn"]))


@elbv2.operation
def modify_capacity_reservation(context: Context, request: shapes.ModifyCapacityReservationInput) -> Shape:
    """Reserve capacity, or give it back; here it is kept and has no effect."""
    row = find_load_balancer(context, request["LoadBalancerArn"], locked=True)
    minimum = request.get("MinimumLoadBalancerCapacity")
    if bool(minimum) == bool(request.get("ResetCapacityReservation")):
        raise ValidationError("Either a minimum capacity or a reset must be specified")
    if minimum:
        row.document = {
            **row.document,
            _RESERVATION: {"units": minimum.get("CapacityUnits", 0), "at": context.clock.now().isoformat()},
        }
    else:
        row.document = {member: value for member, value in row.document.items() if member != _RESERVATION}
    row.save(update_fields=["document"])
    return _reservation(row)


def _reservation(row: LoadBalancer) -> Shape:
    kept = row.document.get(_RESERVATION)
    shape: Shape = {"DecreaseRequestsRemaining": MAX_CHANGES_A_DAY, "CapacityReservationState": []}
    if not kept:
        return shape
    units = kept["units"] / len(row.interfaces)
    return {
        **shape,
        "LastModifiedTime": datetime.fromisoformat(kept["at"]),
        "MinimumLoadBalancerCapacity": {"CapacityUnits": kept["units"]},
        "CapacityReservationState": [
            {
                "State": {"Code": "provisioned"},
                "AvailabilityZone": interface["zone"],
                "EffectiveCapacityUnits": units,
            }
            for interface in row.interfaces
        ],
    }


def _page(request: Any, member: str, items: list[Any]) -> Shape:
    found, marker = page_of_list(
        items,
        token=request.get("Marker"),
        limit=request.get("PageSize") or DEFAULT_PAGE,
        error=lambda _: ValidationError("The marker is not valid"),
    )
    return {member: found, **({"NextMarker": marker} if marker else {})}
