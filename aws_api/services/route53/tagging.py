"""Tags of hosted zones and health checks, which are found by a type and an id."""

from aws_api.core.context import Context
from aws_api.services.route53.models import HealthCheck, HostedZone
from aws_api.services.route53.shapes import NoSuchHealthCheck
from aws_api.services.route53.zones import bare_id, find_zone

MAX_TAGS = 10


def find_tagged(context: Context, kind: str, resource_id: str) -> HostedZone | HealthCheck:
    """The resource. Raises NoSuchHostedZone or NoSuchHealthCheck."""
    if kind == "hostedzone":
        return find_zone(context, resource_id)
    return find_health_check(context, bare_id(resource_id))


def find_health_check(context: Context, health_check_id: str) -> HealthCheck:
    """The caller's health check. Raises NoSuchHealthCheck."""
    check = HealthCheck.objects.filter(account_id=context.account_id, health_check_id=health_check_id).first()
    if check is None:
        raise NoSuchHealthCheck(f"A health check with id {health_check_id} does not exist.")
    return check
