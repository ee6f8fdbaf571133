"""SQS's errors beyond the generated ones: those that the model lacks, and the statuses that it no longer tells.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
"""

from aws_api.core.errors import AwsError
from aws_api.services.sqs import shapes


class InvalidAddress(shapes.InvalidAddress):
    status = 404


class InvalidParameterValue(AwsError):
    code = "InvalidParameterValueException"
    query_code = "InvalidParameterValue"


class MissingParameter(AwsError):
    code = "MissingRequiredParameterException"
    query_code = "MissingParameter"


class OverLimit(shapes.OverLimit):
    status = 403


class PurgeQueueInProgress(shapes.PurgeQueueInProgress):
    status = 403


class ReceiptHandleIsInvalid(shapes.ReceiptHandleIsInvalid):
    status = 404


class ResourceNotFoundException(shapes.ResourceNotFoundException):
    status = 404


def invalid_value(value: object, parameter: str, reason: str) -> InvalidParameterValue:
    """AWS's sentence for a parameter that the model allows and the service does not."""
    return InvalidParameterValue(f"Value {value} for parameter {parameter} is invalid. Reason: {reason}")
