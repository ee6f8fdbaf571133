"""Containers within the limits of another: its control group is their parent.

With control groups of version 1 that Docker manages itself, limits hold for a group and all below it. In version 2 a
group that has processes can have none below, and systemd's are no container's: there each container has limits alone.
"""

from functools import cache

from aws_api.core.containers import ContainerSpec
from workers.docker import engine

_DEFAULT_PARENT = "/docker"


def parent_of(spec: ContainerSpec) -> str:
    """The control group to make a container's in; empty where it is the engine's own choice."""
    if spec.cgroup_of is None or not can_nest():
        return ""
    owner = engine.client().inspect_container(spec.cgroup_of)
    return f"{owner['HostConfig'].get('CgroupParent') or _DEFAULT_PARENT}/{owner['Id']}"


@cache
def can_nest() -> bool:
    """Whether the engine's containers can be within each other's limits."""
    info = engine.client().info()
    return info.get("CgroupDriver") == "cgroupfs" and str(info.get("CgroupVersion", "1")) == "1"
