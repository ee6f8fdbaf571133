"""Service-linked roles: a service's own role in an account.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
"""

import json
from typing import Any

from aws_api.core.context import Context
from aws_api.core.ids import new_uuid
from aws_api.services.iam import shapes
from aws_api.services.iam.describe import describe_role
from aws_api.services.iam.identities import create_identity, find_identity, identities
from aws_api.services.iam.models import Attachment, IdentityKind
from aws_api.services.iam.operations.roles import SERVICE_LINKED_PATH
from aws_api.services.iam.policies import aws_policies
from aws_api.services.iam.service import iam

#: The roles' names are AWS's choice and follow no rule.
_NAMES = {
    "ecs.amazonaws.com": "AWSServiceRoleForECS",
    "elasticloadbalancing.amazonaws.com": "AWSServiceRoleForElasticLoadBalancing",
    "autoscaling.amazonaws.com": "AWSServiceRoleForAutoScaling",
    "ecs.application-autoscaling.amazonaws.com": "AWSServiceRoleForApplicationAutoScaling_ECSService",
    "rds.amazonaws.com": "AWSServiceRoleForRDS",
    "elasticache.amazonaws.com": "AWSServiceRoleForElastiCache",
    "replication.ecr.amazonaws.com": "AWSServiceRoleForECRReplication",
}
_POLICIES = {
    "ecs.amazonaws.com": "AmazonECSServiceRolePolicy",
    "ecs.application-autoscaling.amazonaws.com": "AWSApplicationAutoscalingECSServicePolicy",
}


@iam.operation
def create_service_linked_role(
    context: Context, request: shapes.CreateServiceLinkedRoleRequest
) -> shapes.CreateServiceLinkedRoleResponse:
    """Make the role of an AWS service, with the trust and the policy that the service wants."""
    service = request["AWSServiceName"]
    name = _NAMES.get(service)
    if name is None:
        raise shapes.InvalidInputException(
            f"Service Name {service} is not valid or does not support service-linked roles"
        )
    if suffix := request.get("CustomSuffix"):
        name = f"{name}_{suffix}"
    if identities(context, IdentityKind.ROLE).filter(name__iexact=name).exists():
        raise shapes.InvalidInputException(
            f"Service role name {name} has been taken in this account, please try a different suffix."
        )
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": [service]}, "Action": ["sts:AssumeRole"]}],
    }
    document: dict[str, Any] = {}
    if description := request.get("Description"):
        document["Description"] = description
    role = create_identity(
        context,
        IdentityKind.ROLE,
        name,
        f"{SERVICE_LINKED_PATH}{service}/",
        trust_policy=json.dumps(trust),
        document=document,
    )
    for policy in aws_policies().values():
        if policy.name == _POLICIES.get(service):
            Attachment.objects.create(identity=role, policy_arn=policy.arn)
    return {"Role": describe_role(role, in_full=True)}


@iam.operation
def delete_service_linked_role(
    context: Context, request: shapes.DeleteServiceLinkedRoleRequest
) -> shapes.DeleteServiceLinkedRoleResponse:
    """Delete a service's role; here it is done when this answers."""
    role = find_identity(context, IdentityKind.ROLE, request["RoleName"])
    if not role.path.startswith(SERVICE_LINKED_PATH):
        raise shapes.InvalidInputException(f"Role {role.name} is not a service-linked role.")
    task_id = f"task{role.path}{role.name}/{new_uuid()}"
    role.delete()
    return {"DeletionTaskId": task_id}


@iam.operation
def get_service_linked_role_deletion_status(
    context: Context, request: shapes.GetServiceLinkedRoleDeletionStatusRequest
) -> shapes.GetServiceLinkedRoleDeletionStatusResponse:
    """Deletions succeed before they are answered."""
    task_id = request["DeletionTaskId"]
    if not task_id.startswith(f"task{SERVICE_LINKED_PATH}"):
        raise shapes.NoSuchEntityException(f"Deletion task {task_id} not found.")
    return {"Status": "SUCCEEDED"}
