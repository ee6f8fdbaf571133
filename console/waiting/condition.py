"""What can be waited for: a condition looks at the account through AWS's own operations, and says why not yet."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from aws_api.core.context import internal_context
from aws_api.core.errors import AwsError
from aws_api.core.invoke import find_operation, invoke_async


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one look saw. ``why`` is a sentence, for people; ``never`` says that it cannot hold any more."""

    holds: bool
    why: str
    found: Mapping[str, Any] = field(default_factory=dict)
    never: bool = False


@dataclass(frozen=True, kw_only=True)
class Condition(ABC):
    """Something that may come to hold in an account and region. ``look`` never raises AwsError.

    ``services`` are those whose calls make it hold, ``kinds`` begin the names of the StateChanges that may, and
    ``topic`` is a bus topic that says so in particular.
    """

    account_id: str
    region: str

    services: ClassVar[frozenset[str]] = frozenset()
    kinds: ClassVar[tuple[str, ...]] = ()

    def woken_by(self) -> frozenset[str]:
        """The services whose calls may make it hold."""
        return self.services

    @property
    def topic(self) -> str:
        return ""

    @abstractmethod
    async def seen(self) -> Seen:
        """Look once. AWS's refusals may go through."""

    async def look(self) -> Seen:
        """Look once; what AWS refuses to tell does not hold yet."""
        try:
            return await self.seen()
        except AwsError as error:
            return Seen(holds=False, why=f"{error.code}: {error.message}")

    async def call(self, service: str, operation: str, **parameters: Any) -> Mapping[str, Any]:
        """Call an AWS operation as the account's root."""
        context = internal_context(self.account_id, self.region)
        return await invoke_async(context, find_operation(service, operation), parameters)
