"""Tasks through the whole loop on a fake engine."""

from dataclasses import dataclass
from typing import Any

from aws_api.core.containers import ContainerSpec
from aws_api.core.models import Transition
from aws_api.services.ecs.models import Task
from workers import loop

KIND = "ecs.task"
MAX_KICKS = 200


@dataclass
class Stage:
    """An account's tasks on a fake engine: kicks are followed until there are none."""

    ecs: Any
    runtime: Any
    kicks: list[tuple[str, str]]
    account_id: str

    def settle(self) -> None:
        for _ in range(MAX_KICKS):
            mine = next((kick for kick in self.kicks if self.account_id in kick[1]), None)
            if mine is None:
                return
            self.kicks.remove(mine)
            loop.reconcile(*mine, self.runtime)
        raise AssertionError(f"no end of kicks: {self.kicks[:5]}")

    def run(self, family: str, **request: Any) -> str:
        arn = str(self.ecs.run_task(taskDefinition=family, **request)["tasks"][0]["taskArn"])
        self.settle()
        return arn

    def wake(self, arn: str) -> dict[str, Any]:
        """What the engine's event does."""
        self.kicks.append((KIND, arn))
        self.settle()
        return self.describe(arn)

    def take(self, kind: str, key: str) -> None:
        """One turn of the loop for a resource, whoever else was kicked."""
        self.kicks[:] = [kick for kick in self.kicks if kick != (kind, key)]
        loop.reconcile(kind, key, self.runtime)

    def settle_for(self, arn: str) -> None:
        """Take the rounds of one task: what keeps waking it would have no end."""
        for kind in {kind for kind, key in self.kicks if key == arn} | {KIND}:
            loop.reconcile(kind, arn, self.runtime)
        self.kicks[:] = [kick for kick in self.kicks if kick[1] != arn]
        loop.reconcile(KIND, arn, self.runtime)

    def describe(self, arn: str) -> dict[str, Any]:
        return dict(self.ecs.describe_tasks(tasks=[arn])["tasks"][0])

    def container(self, arn: str, name: str) -> str:
        """The engine's name of a task's container."""
        row = Task.objects.select_related("task_definition").get(arn=arn)
        return f"ecs-{row.family}-{row.task_definition.revision}-{name}-{row.task_id[:12]}"

    def spec(self, arn: str, name: str) -> ContainerSpec:
        spec: ContainerSpec = self.runtime._containers[self.container(arn, name)].spec
        return spec

    def statuses(self, arn: str) -> list[str]:
        return list(Transition.objects.filter(kind=KIND, key=arn).order_by("pk").values_list("after", flat=True))
