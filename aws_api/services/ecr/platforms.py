"""Which image of a list is this machine's. Pure."""

import platform
from collections.abc import Sequence

from aws_api.services.ecr.manifests import Descriptor

_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
#: An index in an index in an index is nobody's image.
MAX_DEPTH = 3


def choose_platform(entries: Sequence[Descriptor]) -> Descriptor | None:
    """The entry of this machine; without platforms the first."""
    wanted = ("linux", this_architecture())
    for entry in entries:
        if (entry.platform.get("os"), entry.platform.get("architecture")) == wanted:
            return entry
    return next((entry for entry in entries if not entry.platform), None)


def this_architecture() -> str:
    """This machine's processor, in the words of image lists."""
    machine = platform.machine().lower()
    return _MACHINES.get(machine, machine)
