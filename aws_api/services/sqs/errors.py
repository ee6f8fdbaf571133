"""SQS's errors: the code of the JSON protocol, that of the query protocol, and the status.

The model no longer tells the query codes, and clients of both protocols still catch them
(``AWS.SimpleQueueService.NonExistentQueue``).
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
"""

from aws_api.core.errors import AwsError


class BatchEntryIdsNotDistinct(AwsError):
    code = "BatchEntryIdsNotDistinct"
    query_code = "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"


class BatchRequestTooLong(AwsError):
    code = "BatchRequestTooLong"
    query_code = "AWS.SimpleQueueService.BatchRequestTooLong"


class EmptyBatchRequest(AwsError):
    code = "EmptyBatchRequest"
    query_code = "AWS.SimpleQueueService.EmptyBatchRequest"


class InvalidAddress(AwsError):
    code = "InvalidAddress"
    query_code = "InvalidAddress"
    status = 404


class InvalidAttributeName(AwsError):
    code = "InvalidAttributeName"


class InvalidAttributeValue(AwsError):
    code = "InvalidAttributeValue"


class InvalidBatchEntryId(AwsError):
    code = "InvalidBatchEntryId"
    query_code = "AWS.SimpleQueueService.InvalidBatchEntryId"


class InvalidMessageContents(AwsError):
    code = "InvalidMessageContents"


class InvalidParameterValue(AwsError):
    code = "InvalidParameterValueException"
    query_code = "InvalidParameterValue"


class MessageNotInflight(AwsError):
    code = "MessageNotInflight"
    query_code = "AWS.SimpleQueueService.MessageNotInflight"


class MissingParameter(AwsError):
    code = "MissingRequiredParameterException"
    query_code = "MissingParameter"


class OverLimit(AwsError):
    code = "OverLimit"
    status = 403


class PurgeQueueInProgress(AwsError):
    code = "PurgeQueueInProgress"
    query_code = "AWS.SimpleQueueService.PurgeQueueInProgress"
    status = 403


class QueueDoesNotExist(AwsError):
    code = "QueueDoesNotExist"
    query_code = "AWS.SimpleQueueService.NonExistentQueue"


class QueueNameExists(AwsError):
    code = "QueueNameExists"
    query_code = "QueueAlreadyExists"


class ReceiptHandleIsInvalid(AwsError):
    code = "ReceiptHandleIsInvalid"
    status = 404


class ResourceNotFoundException(AwsError):
    code = "ResourceNotFoundException"
    status = 404


class TooManyEntriesInBatchRequest(AwsError):
    code = "TooManyEntriesInBatchRequest"
    query_code = "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"


def invalid_value(value: object, parameter: str, reason: str) -> InvalidParameterValue:
    """AWS's sentence for a parameter that the model allows and the service does not."""
    return InvalidParameterValue(f"Value {value} for parameter {parameter} is invalid. Reason: {reason}")
