"""KMS's errors that its model lacks."""

from aws_api.core.errors import AwsError


class NotAuthorizedException(AwsError):
    """An alias of AWS's own is not for customers to make or change."""

    code = "NotAuthorizedException"
