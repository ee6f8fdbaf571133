"""The AWS errors that every service may answer, and the base of the generated ones."""

from collections.abc import Mapping
from typing import Any, ClassVar


class AwsError(Exception):
    """An error that is an AWS API's answer: code, message and HTTP status, worded as AWS words them.

    Subclasses in a service's ``shapes.py`` carry what botocore's model says of the error shape.
    ``members`` holds further members of the shape (``{"Item": ...}``).
    """

    code: ClassVar[str] = "InternalFailure"
    #: The code that clients of the query protocol see, where it differs (``AWS.SimpleQueueService.NonExistentQueue``).
    query_code: ClassVar[str | None] = None
    status: ClassVar[int] = 400
    #: The HTTP status in the query and REST protocols, where it differs from that of JSON.
    query_status: ClassVar[int | None] = None
    #: True where the caller is at fault ("Sender"), False where the service is ("Receiver").
    sender_fault: ClassVar[bool] = True

    def __init__(self, message: str = "", **members: Any) -> None:
        super().__init__(message)
        self.message = message
        self.members: Mapping[str, Any] = members


class InternalFailure(AwsError):
    """The request could not be processed because of an unknown error; answered with the request id only."""

    code = "InternalFailure"
    status = 500
    sender_fault = False


class NotImplementedByUs(AwsError):
    """AWS has this operation, Simfra does not. 501, which no SDK retries."""

    code = "NotImplemented"
    status = 501
    sender_fault = False


class UnknownOperationException(AwsError):
    """No such operation in the service."""

    code = "UnknownOperationException"


class InvalidAction(AwsError):
    """The query and ec2 protocols' word for an operation that does not exist."""

    code = "InvalidAction"


class SerializationException(AwsError):
    """The body is not what the protocol says it must be."""

    code = "SerializationException"


class ValidationException(AwsError):
    """A member is missing, too long, too short or of the wrong form."""

    code = "ValidationException"


class RequestEntityTooLarge(AwsError):
    """The body exceeds what the service takes."""

    code = "RequestEntityTooLarge"
    status = 413


class AccessDeniedException(AwsError):
    """The principal may not do this."""

    code = "AccessDeniedException"
    query_code = "AccessDenied"
    query_status = 403


class ThrottlingException(AwsError):
    """Too much at once."""

    code = "ThrottlingException"
