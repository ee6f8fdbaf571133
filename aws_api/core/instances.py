"""The port through which a service says where instances of EC2 are: ECS's container instances are such.

An instance's address is one that load balancers and VPCs reach; what an instance publishes is published there.
"""

from collections.abc import Callable

#: Answers the address of an instance of an account and region; None for one that it does not know.
Finder = Callable[[str, str, str], str | None]

_finders: list[Finder] = []


def register_instance_finder(finder: Finder) -> None:
    """Add somebody who knows instances; called by a service's ``ports`` module."""
    _finders.append(finder)


def find_instance_address(account_id: str, region: str, instance_id: str) -> str | None:
    """The address of an instance that runs, or None."""
    found = (finder(account_id, region, instance_id) for finder in _finders)
    return next((address for address in found if address is not None), None)
