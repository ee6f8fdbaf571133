"""Resources that exist, by their ARN."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aws_api.core.arns import Arn
from aws_api.core.execution import run_in_thread
from aws_api.core.resources import ResourceType, resource_types
from aws_api.core.service import get_service
from console.waiting.condition import Condition, Seen


@dataclass(frozen=True, kw_only=True)
class ResourceExists(Condition):
    """Some kind of resource that services offer to list has one of this ARN. Any call may make it."""

    arn: str

    kinds = ("",)

    def woken_by(self) -> frozenset[str]:
        return frozenset(kind.service for kind in _kinds(Arn.parse(self.arn)))

    async def seen(self) -> Seen:
        found = await (self._of_ecs() if self.arn.split(":")[2] == "ecs" else run_in_thread(self._listed))
        if found is None:
            return Seen(holds=False, why=f"There is no resource {self.arn}.")
        return Seen(holds=True, why="The resource is there.", found={"resource": found})

    async def _of_ecs(self) -> Mapping[str, Any] | None:
        """Tasks and services, which have pages of their own and are no kind that is listed; else what is listed."""
        kind, _, rest = Arn.parse(self.arn).resource.partition("/")
        cluster = rest.partition("/")[0]
        if kind == "task":
            tasks = (await self.call("ecs", "DescribeTasks", cluster=cluster, tasks=[self.arn]))["tasks"]
            return dict(tasks[0]) if tasks else None
        if kind == "service":
            answer = await self.call("ecs", "DescribeServices", cluster=cluster, services=[self.arn])
            return dict(answer["services"][0]) if answer["services"] else None
        return await run_in_thread(self._listed)

    def _listed(self) -> Mapping[str, Any] | None:
        arn = Arn.parse(self.arn)
        account_id, region = arn.account_id or self.account_id, arn.region or self.region
        for kind in _kinds(arn):
            for shape in kind.list(account_id, region):
                if self.arn in shape.values():
                    return dict(shape)
        return None


def _kinds(arn: Arn) -> Iterator[ResourceType]:
    for kind in resource_types():
        service = get_service(kind.service)
        if service is not None and arn.service in (service.name, service.signing_name, service.iam_prefix):
            yield kind
