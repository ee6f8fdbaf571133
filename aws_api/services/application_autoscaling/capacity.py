"""The capacity of a scalable target, read and set where it is; set as the service-linked role, as on AWS."""

from aws_api.core.context import Context, Principal, PrincipalType, internal_context
from aws_api.core.errors import AwsError
from aws_api.core.invoke import invoke
from aws_api.services.application_autoscaling.models import ScalableTarget

DESIRED_COUNT = "ecs:service:DesiredCount"
_SESSION = "AutoScaling-UpdateDesiredCapacity"


def can_scale(target: ScalableTarget) -> bool:
    """Whether Simfra scales what the target is."""
    return target.dimension == DESIRED_COUNT


def current_capacity(target: ScalableTarget) -> tuple[int, bool] | None:
    """The capacity that is wanted now, and whether it is reached; None where there is no such service."""
    cluster, service = target.resource_id.split("/")[1:]
    # Not as the role: it may have been made in a transaction that is not over, where authorisation does not see it.
    context = internal_context(target.account_id, target.region)
    try:
        answer = invoke(context, "ecs", "DescribeServices", {"cluster": cluster, "services": [service]})
    except AwsError as error:
        if error.code != "ClusterNotFoundException":
            raise
        return None
    for found in answer["services"]:
        if found["status"] == "ACTIVE":
            return found["desiredCount"], found["runningCount"] == found["desiredCount"]
    return None


def set_capacity(target: ScalableTarget, wanted: int) -> None:
    """Have a capacity. Raises the AwsError of ECS."""
    cluster, service = target.resource_id.split("/")[1:]
    request = {"cluster": cluster, "service": service, "desiredCount": wanted}
    invoke(role_context(target), "ecs", "UpdateService", request)


def ensure_service_role(context: Context, namespace: str) -> None:
    """Make the service-linked role that a service's targets are scaled by, where the account has none yet."""
    if namespace != "ecs":
        return
    own = internal_context(context.account_id, context.region)
    try:
        invoke(own, "iam", "GetRole", {"RoleName": "AWSServiceRoleForApplicationAutoScaling_ECSService"})
    except AwsError:
        service = "ecs.application-autoscaling.amazonaws.com"
        invoke(own, "iam", "CreateServiceLinkedRole", {"AWSServiceName": service})


def role_context(target: ScalableTarget) -> Context:
    """The circumstances of a call of the target's service-linked role."""
    context = internal_context(target.account_id, target.region)
    role = invoke(context, "iam", "GetRole", {"RoleName": target.role_arn.rpartition("/")[2]})["Role"]
    return context.as_principal(
        Principal(
            type=PrincipalType.ASSUMED_ROLE,
            arn=f"arn:aws:sts::{target.account_id}:assumed-role/{role['RoleName']}/{_SESSION}",
            account_id=target.account_id,
            user_id=f"{role['RoleId']}:{_SESSION}",
            issuer_id=role["RoleId"],
        )
    )
