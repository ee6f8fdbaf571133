"""Sizes of volumes, as far as the engine can keep them.

Docker's own volumes have sizes only where its folder is on XFS with project quotas. With SIMFRA_SIZED_VOLUMES=memory a
volume with a size is in memory instead: real in every container's eyes, counted as its writers' memory, gone with it.
"""

from collections.abc import Iterator

from django.conf import settings
from docker.errors import APIError

from aws_api.core.containers import VolumeSpec
from workers.docker.failures import message_of


def options_of(spec: VolumeSpec) -> Iterator[dict[str, str]]:
    """The options to make a volume with, those to be tried first first."""
    options = dict(spec.driver_options)
    if spec.size_bytes and spec.driver == "local" and not options:
        if settings.SIMFRA_SIZED_VOLUMES == "memory":
            yield {"type": "tmpfs", "device": "tmpfs", "o": f"size={spec.size_bytes}"}
            return
        yield {"size": str(spec.size_bytes)}
    yield options


def lacks_quotas(error: APIError) -> bool:
    """Whether the engine refused a volume because its disk cannot keep sizes."""
    return "no quota support" in message_of(error).lower()
