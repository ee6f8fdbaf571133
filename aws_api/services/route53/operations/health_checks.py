"""Health checks as stored objects: nothing is probed, all are healthy."""

from typing import Any

from aws_api.core.context import Context
from aws_api.core.ids import new_uuid
from aws_api.services.route53.describe import describe_health_check, describe_observation
from aws_api.services.route53.listing import max_items
from aws_api.services.route53.models import HealthCheck, RecordSet
from aws_api.services.route53.service import REGION, route53
from aws_api.services.route53.shapes import (
    CreateHealthCheckRequest,
    DeleteHealthCheckRequest,
    GetHealthCheckCountRequest,
    GetHealthCheckRequest,
    GetHealthCheckStatusRequest,
    HealthCheckAlreadyExists,
    HealthCheckInUse,
    HealthCheckVersionMismatch,
    ListHealthChecksRequest,
    UpdateHealthCheckRequest,
)
from aws_api.services.route53.tagging import find_health_check

Shape = dict[str, Any]

_DEFAULTS = {
    "RequestInterval": 30,
    "FailureThreshold": 3,
    "MeasureLatency": False,
    "Inverted": False,
    "Disabled": False,
}
#: The members of an update that are not of the configuration.
_NOT_CONFIGURATION = ("HealthCheckId", "HealthCheckVersion", "ResetElements")


@route53.operation
def create_health_check(context: Context, request: CreateHealthCheckRequest) -> Shape:
    """Store a health check; the same reference with the same configuration is the same check."""
    reference = request["CallerReference"]
    document = {**_DEFAULTS, **request["HealthCheckConfig"]}
    check, created = HealthCheck.objects.get_or_create(
        account_id=context.account_id,
        caller_reference=reference,
        defaults={
            "region": REGION,
            "created_at": context.clock.now(),
            "health_check_id": context.forced_id("HealthCheckId") or new_uuid(),
            "document": document,
        },
    )
    if not created and check.document != document:
        raise HealthCheckAlreadyExists(
            "A health check with the same caller reference but with different configuration already exists."
        )
    return {
        "HealthCheck": describe_health_check(check),
        "Location": f"https://route53.amazonaws.com/2013-04-01/healthcheck/{check.health_check_id}",
    }


@route53.operation
def get_health_check(context: Context, request: GetHealthCheckRequest) -> Shape:
    """Describe a health check."""
    return {"HealthCheck": describe_health_check(find_health_check(context, request["HealthCheckId"]))}


@route53.operation
def update_health_check(context: Context, request: UpdateHealthCheckRequest) -> Shape:
    """Change members of the configuration."""
    check = find_health_check(context, request["HealthCheckId"])
    if request.get("HealthCheckVersion") not in (None, check.version):
        raise HealthCheckVersionMismatch(
            "The value of HealthCheckVersion in the request doesn't match the current one."
        )
    changed = {member: value for member, value in request.items() if member not in _NOT_CONFIGURATION}
    check.document = {**check.document, **changed}
    for member in request.get("ResetElements", ()):
        check.document.pop(member, None)
    check.version += 1
    check.save(update_fields=["document", "version"])
    return {"HealthCheck": describe_health_check(check)}


@route53.operation
def delete_health_check(context: Context, request: DeleteHealthCheckRequest) -> Shape:
    """Delete a health check that no record set names."""
    check = find_health_check(context, request["HealthCheckId"])
    if RecordSet.objects.filter(
        zone__account_id=context.account_id, document__HealthCheckId=check.health_check_id
    ).exists():
        raise HealthCheckInUse("This health check is in use: a resource record set refers to it.")
    check.delete()
    return {}


@route53.operation
def list_health_checks(context: Context, request: ListHealthChecksRequest) -> Shape:
    """List the account's health checks, by id."""
    limit = max_items(request)
    rows = HealthCheck.objects.filter(account_id=context.account_id)
    marker = request.get("Marker", "")
    if marker:
        rows = rows.filter(health_check_id__gte=marker)
    page = list(rows.order_by("health_check_id")[: limit + 1])
    answer: Shape = {
        "HealthChecks": [describe_health_check(check) for check in page[:limit]],
        "Marker": marker,
        "IsTruncated": len(page) > limit,
        "MaxItems": str(limit),
    }
    return {**answer, "NextMarker": page[limit].health_check_id} if len(page) > limit else answer


@route53.operation
def get_health_check_count(context: Context, request: GetHealthCheckCountRequest) -> Shape:
    """How many health checks the account has."""
    return {"HealthCheckCount": HealthCheck.objects.filter(account_id=context.account_id).count()}


@route53.operation
def get_health_check_status(context: Context, request: GetHealthCheckStatusRequest) -> Shape:
    """What the checkers say: it is healthy."""
    find_health_check(context, request["HealthCheckId"])
    return {"HealthCheckObservations": [describe_observation(context.clock.now())]}
