"""CloudWatch Logs' sentences for what is not there."""

from aws_api.services.logs.shapes import ResourceNotFoundException


def no_such_group() -> ResourceNotFoundException:
    """AWS's sentence for a log group that is not there."""
    return ResourceNotFoundException("The specified log group does not exist.")


def no_such_stream() -> ResourceNotFoundException:
    """AWS's sentence for a log stream that is not there."""
    return ResourceNotFoundException("The specified log stream does not exist.")
