"""STS's errors that its model lacks."""

from aws_api.core.errors import AwsError


class ValidationError(AwsError):
    """The query protocol's word for a parameter that cannot be."""

    code = "ValidationError"
