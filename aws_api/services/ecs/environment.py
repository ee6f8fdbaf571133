"""What a container finds in its environment besides what its definition says. Pure.

The definition's own variables take precedence over all of these.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

#: On 169.254.170.2, as ECS has them.
TASK_ENDPOINT = "http://169.254.170.2"
CREDENTIALS_PATH = "/v2/credentials/"
METADATA_PATH = "/v4/"
METADATA_V3_PATH = "/v3/"
AGENT_PATH = "/api/"
#: On port 4599, for tasks that do not reach that address. Nothing else can be there: S3 has no buckets of two letters.
SHARED_CREDENTIALS_PATH = f"{METADATA_PATH}credentials/"
SHARED_AGENT_PATH = f"{METADATA_PATH}agent/"


@dataclass(frozen=True, kw_only=True)
class AccessKey:
    """A key that a container is given in its environment."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)


def injected_environment(
    *,
    endpoint: str,
    region: str,
    launch_type: str,
    network_mode: str,
    credentials_id: UUID,
    endpoint_id: str,
    has_task_role: bool,
    access_key: AccessKey | None,
) -> dict[str, str]:
    """The variables of one container.

    ``endpoint_id`` is its id at the metadata endpoint. A task role's credentials come from 169.254.170.2, which a task
    with its own network namespace reaches, or from the loopback that it shares with the host; ``access_key`` is what
    the others, and tasks without a role, are given instead.
    """
    variables = {
        "AWS_ENDPOINT_URL": endpoint,
        # Some SDKs read one, some the other.
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE" if launch_type == "FARGATE" else "AWS_ECS_EC2",
        **_agent(endpoint, network_mode, endpoint_id),
    }
    if access_key:
        variables["AWS_ACCESS_KEY_ID"] = access_key.access_key_id
        variables["AWS_SECRET_ACCESS_KEY"] = access_key.secret_access_key
        if access_key.session_token:
            variables["AWS_SESSION_TOKEN"] = access_key.session_token
    elif has_task_role and network_mode == "awsvpc":
        variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = f"{CREDENTIALS_PATH}{credentials_id}"
    elif has_task_role:
        variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"{endpoint}{SHARED_CREDENTIALS_PATH}{credentials_id}"
    return variables


def can_ask_for_credentials(network_mode: str) -> bool:
    """Whether a task's SDKs reach credentials at an address that they accept: 169.254.170.2, or a loopback."""
    return network_mode in ("awsvpc", "host")


def container_environment(
    injected: Mapping[str, str], defined: Mapping[str, str], secrets: Mapping[str, str]
) -> dict[str, str]:
    """All of a container's variables: a key pair of its own replaces the injected one as a whole."""
    own = {**defined, **secrets}
    if "AWS_ACCESS_KEY_ID" in own and "AWS_SESSION_TOKEN" not in own:
        injected = {name: value for name, value in injected.items() if name != "AWS_SESSION_TOKEN"}
    return {**injected, **own}


def _agent(endpoint: str, network_mode: str, endpoint_id: str) -> dict[str, str]:
    """Where the task metadata and the agent's own API are; nowhere for a task without a network."""
    if network_mode == "none":
        return {}
    is_own = network_mode == "awsvpc"
    base, agent_path = (TASK_ENDPOINT, AGENT_PATH) if is_own else (endpoint, SHARED_AGENT_PATH)
    return {
        "ECS_CONTAINER_METADATA_URI": f"{base}{METADATA_V3_PATH}{endpoint_id}",
        "ECS_CONTAINER_METADATA_URI_V4": f"{base}{METADATA_PATH}{endpoint_id}",
        "ECS_AGENT_URI": f"{base}{agent_path}{endpoint_id}",
    }
