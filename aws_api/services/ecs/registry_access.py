"""The rights to an image of our own registry, where a task has an execution role to pull it with.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
"""

from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.core.images import ImageSource
from aws_api.services.ecs.roles import CannotInitialize, call_of, refusal_text, require_accesses
from aws_api.services.ecs.secrets import RETRIEVAL_FAILED

_LOGIN = ("ecr:GetAuthorizationToken",)
_PULL = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


class ImageUnavailable(CannotInitialize):
    """The execution role may not pull the image."""


def require_pull(context: Context, source: ImageSource, image: str) -> None:
    """Raise ImageUnavailable where the execution role may not log in to the registry or pull the image from it."""
    login, pull = call_of(context), call_of(context)
    try:
        require_accesses(login, _LOGIN, "*")
    except AwsError as error:
        raise ImageUnavailable(
            f"{RETRIEVAL_FAILED}: unable to retrieve ecr registry auth: service call has been retried 1 time(s): "
            f"{refusal_text(error, login)}"
        ) from error
    try:
        require_accesses(pull, _PULL, source.repository_arn(image))
    except AwsError as error:
        repository = image.partition("@")[0].rpartition(":")[0] or image
        raise ImageUnavailable(
            f"CannotPullContainerError: Error response from daemon: pull access denied for {repository}, repository "
            f"does not exist or may require 'docker login': denied: {error.message}"
        ) from error
