"""PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/access-control-resource-based.html
"""

from aws_api.core.arns import is_arn
from aws_api.core.context import Context
from aws_api.core.errors import ValidationException
from aws_api.services.dynamodb.models import ResourcePolicy, Stream
from aws_api.services.dynamodb.policies import put_policy
from aws_api.services.dynamodb.service import dynamodb
from aws_api.services.dynamodb.shapes import (
    DeleteResourcePolicyInput,
    DeleteResourcePolicyOutput,
    GetResourcePolicyInput,
    GetResourcePolicyOutput,
    PolicyNotFoundException,
    PutResourcePolicyInput,
    PutResourcePolicyOutput,
    ResourceNotFoundException,
)
from aws_api.services.dynamodb.tables import find_row

#: The revision that a caller expects where there is to be no policy yet.
_NO_POLICY = "NO_POLICY"


@dynamodb.operation
def put_resource_policy(context: Context, request: PutResourcePolicyInput) -> PutResourcePolicyOutput:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html"""
    arn = _resource(context, request["ResourceArn"])
    _check_revision(arn, request.get("ExpectedRevisionId"))
    return {"RevisionId": put_policy(arn, request["Policy"])}


@dynamodb.operation
def get_resource_policy(context: Context, request: GetResourcePolicyInput) -> GetResourcePolicyOutput:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetResourcePolicy.html"""
    arn = _resource(context, request["ResourceArn"])
    found = ResourcePolicy.objects.filter(arn=arn).first()
    if found is None:
        raise PolicyNotFoundException(f"Resource-based policy not found for the provided ResourceArn: {arn}")
    return {"Policy": found.policy, "RevisionId": found.revision}


@dynamodb.operation
def delete_resource_policy(context: Context, request: DeleteResourcePolicyInput) -> DeleteResourcePolicyOutput:
    """That there is none is no error.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteResourcePolicy.html
    """
    arn = _resource(context, request["ResourceArn"])
    _check_revision(arn, request.get("ExpectedRevisionId"))
    found = ResourcePolicy.objects.filter(arn=arn).first()
    if found is None:
        return {}
    found.delete()
    return {"RevisionId": found.revision}


def _resource(context: Context, arn: str) -> str:
    """The ARN of a table or stream that is there. Raises ResourceNotFoundException."""
    if not is_arn(arn):
        raise ValidationException(f"Invalid ResourceArn provided as input {arn}")
    table, _, label = arn.partition("/stream/")
    row = find_row(context, table, lock=True)
    if label and not Stream.objects.filter(table_id=row.pk, label=label).exists():
        raise ResourceNotFoundException(f"Requested resource not found: Stream: {arn} not found")
    return arn


def _check_revision(arn: str, expected: str | None) -> None:
    if expected is None:
        return
    found = ResourcePolicy.objects.filter(arn=arn).first()
    if expected != (_NO_POLICY if found is None else found.revision):
        raise PolicyNotFoundException(
            f"Resource-based policy not found for the provided ResourceArn: {arn} and ExpectedRevisionId: {expected}"
        )
