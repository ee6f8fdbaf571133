"""What somebody can do about a task: from why it stopped, or what it waits for. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_api.services.ecs.holds import HOLD_TAG

#: What exit codes mean besides what the program means by them.
EXIT_CODES: Mapping[int, str] = {
    125: "the engine could not run the container",
    126: "the command was found and could not be executed",
    127: "the command was not found in the image",
    134: "SIGABRT: the program aborted itself",
    137: "SIGKILL",
    139: "SIGSEGV: the program touched memory that is not its own",
    143: "SIGTERM",
}

#: A piece of a reason, and what helps.
_BY_REASON: tuple[tuple[str, str], ...] = (
    (
        r"CannotPull\w+Error.*(not found|manifest unknown|does not exist)",
        "Check the image's name and tag, and push it.",
    ),
    (
        r"CannotPull\w+Error.*(denied|unauthorized|401|403)",
        "Give repositoryCredentials, or let the execution role pull.",
    ),
    (r"CannotPull\w+Error", "See whether `docker pull` of the image works on the engine's host."),
    (r"log group does not exist", "Create the log group, or set the option awslogs-create-group to true."),
    (r"env(ironment)? files", "Put the file where environmentFiles says, and let the execution role read it."),
    (r"unable to assume the role", "Let the role's trust policy name ecs-tasks.amazonaws.com."),
    (r"unable to (pull|retrieve) secrets?", "Check that the secret exists and that the execution role may read it."),
    (r"exec format error", "The image is for another processor: build it for this engine's."),
    (r"executable file not found|no such file or directory", "Check entryPoint and command: the image lacks the file."),
    (r"port is already allocated|address already in use", "Another container or program has the host port."),
    (r"network interface provisioning", "Look at the VPC's network: its gateway container did not come up."),
    (r"Docker engine|not installed", "Start Docker, then run the task again."),
    (r"did not (exit successfully|reach)|before it was healthy", "Look at the container that it depends on."),
    (r"SIMFRA_\w+", "Start Simfra with the setting that the reason names."),
)


@dataclass(frozen=True, kw_only=True)
class ContainerFacts:
    """What is known of one container of a task."""

    name: str
    status: str
    exit_code: int | None
    out_of_memory: bool
    memory_mib: int | None
    stop_timeout_s: int
    health: str
    waits_for: tuple[str, ...] = ()


def meaning_of(exit_code: int | None) -> str:
    """What an exit code says, where it says anything."""
    return EXIT_CODES.get(exit_code, "") if exit_code is not None else ""


def next_steps(
    *, status: str, stop_code: str, reason: str, containers: Iterable[ContainerFacts], is_held: bool
) -> list[str]:
    """Sentences, the likeliest help first; none for a task that runs, or that ended as it was asked to."""
    known = list(containers)
    if status == "STOPPED" or stop_code:
        steps = list(_of_stop(stop_code, reason, known))
        if steps and not is_held:
            steps.append(f"To keep the containers of the next one, run it with the tag {HOLD_TAG}=true.")
        if is_held:
            steps.append(
                "Its containers are kept: `docker logs`, `docker cp` and `docker inspect` show what is in them."
            )
        return steps
    return list(_of_way(status, known))


def _of_stop(stop_code: str, reason: str, containers: list[ContainerFacts]) -> Iterable[str]:
    for pattern, help_text in _BY_REASON:
        if re.search(pattern, reason, re.IGNORECASE):
            yield help_text
            break
    if stop_code != "EssentialContainerExited":
        return
    for container in containers:
        if container.out_of_memory:
            size = f" (now {container.memory_mib} MiB)" if container.memory_mib else ""
            yield f"Give the container {container.name} more memory{size}."
        elif container.exit_code == 137:
            yield (
                f"The container {container.name} was killed: it did not end within its stopTimeout of "
                f"{container.stop_timeout_s} s, or somebody killed it."
            )
        elif container.exit_code in (126, 127):
            yield f"Check entryPoint and command of {container.name}: {meaning_of(container.exit_code)}."
        elif container.exit_code not in (None, 0, 143):
            yield f"Read the last lines of {container.name}'s log: it exited with {container.exit_code}."


def _of_way(status: str, containers: list[ContainerFacts]) -> Iterable[str]:
    if status == "PROVISIONING":
        yield "It waits for its VPC's network."
    for container in containers:
        if container.health == "UNHEALTHY":
            yield f"The health check of {container.name} fails: its output says why."
        if status == "PENDING" and container.status == "PENDING" and container.waits_for:
            yield f"{container.name} waits for {', '.join(container.waits_for)}."


def facts_of(shape: Mapping[str, Any], record: Mapping[str, Any], default_stop_timeout_s: int) -> ContainerFacts:
    """A container's facts from its definition and its record."""
    return ContainerFacts(
        name=shape["name"],
        status=record.get("status", "PENDING"),
        exit_code=record.get("exit_code"),
        out_of_memory=record.get("out_of_memory", False),
        memory_mib=shape.get("memory"),
        stop_timeout_s=shape.get("stopTimeout", default_stop_timeout_s),
        health=record.get("health", "UNKNOWN"),
        waits_for=tuple(f"{need['containerName']} {need['condition']}" for need in shape.get("dependsOn", ())),
    )
