"""ARNs of what this service keeps, and names of what it makes elsewhere."""

from aws_api.core.arns import Arn

_ROLES = {
    "ecs": "ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService",
    "dynamodb": "dynamodb.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_DynamoDBTable",
}


def target_arn(account_id: str, region: str, target_id: str) -> str:
    """The ARN of a scalable target."""
    resource = f"scalable-target/{target_id}"
    return str(Arn(service="application-autoscaling", region=region, account_id=account_id, resource=resource))


def policy_arn(account_id: str, region: str, policy_id: str, place: str, name: str) -> str:
    """The ARN of a policy of a resource: ``place`` is its namespace and id, ``ecs/service/default/web``."""
    resource = f"scalingPolicy:{policy_id}:resource/{place}:policyName/{name}"
    return str(Arn(service="autoscaling", region=region, account_id=account_id, resource=resource))


def scheduled_action_arn(account_id: str, region: str, action_id: str, place: str, name: str) -> str:
    """The ARN of a scheduled action of a resource."""
    resource = f"scheduledAction:{action_id}:resource/{place}:scheduledActionName/{name}"
    return str(Arn(service="autoscaling", region=region, account_id=account_id, resource=resource))


def service_role_arn(account_id: str, namespace: str) -> str:
    """The ARN of the service-linked role for resources of a service."""
    service = _ROLES.get(namespace)
    path = service or f"{namespace}.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling"
    return str(Arn(service="iam", region="", account_id=account_id, resource=f"role/aws-service-role/{path}"))
