"""Environment files of a container definition, read from S3 under the task's execution role.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/use-environment-file.html
"""

from collections.abc import AsyncIterator, Mapping, Sequence

from aws_api.core.arns import Arn
from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.core.execution import run_on_loop
from aws_api.core.invoke import invoke
from aws_api.services.ecs.roles import CannotInitialize

MAX_BYTES = 1024 * 1024
#: What ECS says where a log router's configuration cannot be had.
FIRELENS_FAILED = "ResourceInitializationError: failed to download the FireLens configuration file"
_FAILED = "ResourceInitializationError: failed to download env files: file download command: non empty error stream"


def read_environment_files(context: Context, files: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The variables of the files; of two with one name the first file's. Raises CannotInitialize."""
    variables: dict[str, str] = {}
    for file in files:
        content = download(context, file["value"], _FAILED)
        for name, value in parse(content.decode(errors="replace")).items():
            variables.setdefault(name, value)
    return variables


def parse(text: str) -> dict[str, str]:
    """``NAME=value`` lines; lines that begin with # and those without = say nothing. Values are taken as they are."""
    lines = (line.strip("\r") for line in text.split("\n"))
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value for name, _, value in pairs if name.strip()}


def download(context: Context, arn: str, failed: str) -> bytes:
    """An object of S3 by its ARN. Raises CannotInitialize, which begins with ``failed``."""
    bucket, _, key = Arn.parse(arn).resource.partition("/")
    try:
        answer = invoke(context, "s3", "GetObject", {"Bucket": bucket, "Key": key})
    except AwsError as error:
        raise CannotInitialize(f"{failed}: {error.code}: {error.message} ({arn})") from error
    body = _content(answer["Body"])
    if len(body) > MAX_BYTES:
        raise CannotInitialize(f"{failed}: {arn} is larger than {MAX_BYTES} bytes")
    return body


def _content(body: AsyncIterator[bytes] | bytes) -> bytes:
    return body if isinstance(body, bytes) else run_on_loop(_gathered(body))


async def _gathered(pieces: AsyncIterator[bytes]) -> bytes:
    """What there is, no more of it than shows that it is too much."""
    gathered = b""
    async for piece in pieces:
        gathered += piece
        if len(gathered) > MAX_BYTES:
            break
    return gathered
