"""The error that Elastic Load Balancing answers but its model lacks."""

from aws_api.core.errors import AwsError


class ValidationError(AwsError):
    """A member is not what it may be, or members contradict each other."""

    code = "ValidationError"
