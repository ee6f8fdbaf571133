"""Terminals in containers, for whoever asks core's port: the engine's, where there is one."""

from collections.abc import Sequence

from django.conf import settings

from aws_api.core.containers import RuntimeUnreachable
from aws_api.core.terminals import Terminal


async def open_terminal(container: str, command: Sequence[str]) -> Terminal:
    """Start a command in a running container. Raises RuntimeFailure."""
    if not settings.SIMFRA_DOCKER:
        raise RuntimeUnreachable(settings.SIMFRA_DOCKER_PROBLEM or "No Docker engine was found when Simfra started.")
    # Not before somebody wants one: web processes have no other use for the SDK.
    from workers.docker.terminal import DockerTerminal

    return await DockerTerminal.open(container, command)


def end_program(program: str) -> None:
    """End a program whose terminal was lost. Raises RuntimeFailure."""
    if settings.SIMFRA_DOCKER:
        from workers.docker.terminal import end_program as end

        end(program)
