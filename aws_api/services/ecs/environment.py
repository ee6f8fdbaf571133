"""What a container finds in its environment besides what its definition says. Pure.

The definition's own variables take precedence over all of these.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

CREDENTIALS_PATH = "/v2/credentials/"
METADATA_PATH = "/v4/"
METADATA_V3_PATH = "/v3/"
TASK_ENDPOINT = "http://169.254.170.2"


@dataclass(frozen=True, kw_only=True)
class AccessKey:
    """A key that a container is given in its environment."""

    access_key_id: str
    secret_access_key: str
    session_token: str = ""


def injected_environment(
    *,
    endpoint: str,
    region: str,
    launch_type: str,
    credentials_id: UUID,
    container_index: int,
    has_task_role: bool,
    is_awsvpc: bool,
    access_key: AccessKey | None,
) -> dict[str, str]:
    """The variables of one container.

    A task role's credentials come from 169.254.170.2, which only a task with its own network namespace reaches;
    ``access_key`` is what the others, and tasks without a role, are given instead.
    """
    variables = {
        "AWS_ENDPOINT_URL": endpoint,
        # Some SDKs read one, some the other.
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE" if launch_type == "FARGATE" else "AWS_ECS_EC2",
    }
    if is_awsvpc:
        metadata_id = f"{credentials_id}-{container_index}"
        variables["ECS_CONTAINER_METADATA_URI"] = f"{TASK_ENDPOINT}{METADATA_V3_PATH}{metadata_id}"
        variables["ECS_CONTAINER_METADATA_URI_V4"] = f"{TASK_ENDPOINT}{METADATA_PATH}{metadata_id}"
    if has_task_role and is_awsvpc:
        variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = f"{CREDENTIALS_PATH}{credentials_id}"
    elif access_key:
        variables["AWS_ACCESS_KEY_ID"] = access_key.access_key_id
        variables["AWS_SECRET_ACCESS_KEY"] = access_key.secret_access_key
        if access_key.session_token:
            variables["AWS_SESSION_TOKEN"] = access_key.session_token
    return variables


def container_environment(
    injected: Mapping[str, str], defined: Mapping[str, str], secrets: Mapping[str, str]
) -> dict[str, str]:
    """All of a container's variables: a key pair of its own replaces the injected one as a whole."""
    own = {**defined, **secrets}
    if "AWS_ACCESS_KEY_ID" in own and "AWS_SESSION_TOKEN" not in own:
        injected = {name: value for name, value in injected.items() if name != "AWS_SESSION_TOKEN"}
    return {**injected, **own}
