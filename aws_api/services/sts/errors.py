"""STS's errors that its model lacks."""

from aws_api.core.errors import AwsError


class ValidationError(AwsError):
    """The query protocol's word for a parameter that cannot be."""

    code = "ValidationError"


class ExpiredWebToken(AwsError):
    """The identity provider's token is over; the query protocol's code for it is shorter than the shape's name."""

    code = "ExpiredTokenException"
    query_code = "ExpiredToken"
