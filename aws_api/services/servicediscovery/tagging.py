"""Tags of namespaces and services, which are found by ARN."""

from aws_api.core.arns import Arn
from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.services.servicediscovery.models import Namespace, Service
from aws_api.services.servicediscovery.shapes import ResourceNotFoundException, TooManyTagsException
from aws_api.services.servicediscovery.store import find_namespace, find_service

MAX_TAGS = 50


def find_tagged(context: Context, arn: str) -> Namespace | Service:
    """The resource of an ARN. Raises ResourceNotFoundException."""
    try:
        kind, _, identifier = Arn.parse(arn).resource.partition("/")
        if kind == "namespace":
            return find_namespace(context, identifier)
        if kind == "service":
            return find_service(context, identifier)
    except (ValueError, AwsError):
        pass
    raise ResourceNotFoundException(f"Resource not found: {arn}")


def check_count(tags: dict[str, str], arn: str) -> None:
    """Raises TooManyTagsException."""
    if len(tags) > MAX_TAGS:
        raise TooManyTagsException(f"The resource has more than {MAX_TAGS} tags.", ResourceName=arn)
