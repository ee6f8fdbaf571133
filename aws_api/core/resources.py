"""What a service offers the console to list: a ResourceType per kind of resource, declared in its folder."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """A kind of resource for the console's generic pages.

    ``columns`` are member names of the listed shapes; ``list(account_id, region) -> shapes`` yields AWS's own shapes.
    ``identity`` is the member that names one among them (the first column, where nothing is said), ``command`` what
    the AWS CLI would say to see one: ``aws sqs get-queue-attributes --queue-url {QueueUrl}``.
    """

    service: str
    name: str
    plural: str
    columns: tuple[str, ...]
    list: Callable[[str, str], Iterable[Mapping[str, Any]]]
    identity: str = ""
    command: str = ""

    def identify(self, shape: Mapping[str, Any]) -> str:
        """What names a listed shape among its kind."""
        return str(shape[self.identity or self.columns[0]])


_resource_types: list[ResourceType] = []


def register_resource_type(resource_type: ResourceType) -> None:
    """Offer a kind of resource to the console; called by a service folder's resources module."""
    _resource_types.append(resource_type)


def resource_types() -> list[ResourceType]:
    """All kinds, by service and name."""
    return sorted(_resource_types, key=lambda kind: (kind.service, kind.name))
