"""CloudWatch Logs' errors."""

from aws_api.core.errors import AwsError


class InvalidParameterException(AwsError):
    code = "InvalidParameterException"


class ResourceAlreadyExistsException(AwsError):
    code = "ResourceAlreadyExistsException"


class ResourceNotFoundException(AwsError):
    code = "ResourceNotFoundException"


class TooManyTagsException(AwsError):
    code = "TooManyTagsException"


def no_such_group() -> ResourceNotFoundException:
    """AWS's sentence for a log group that is not there."""
    return ResourceNotFoundException("The specified log group does not exist.")


def no_such_stream() -> ResourceNotFoundException:
    """AWS's sentence for a log stream that is not there."""
    return ResourceNotFoundException("The specified log stream does not exist.")
