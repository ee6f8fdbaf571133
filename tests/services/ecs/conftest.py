"""An ECS client of a fresh account, and what most tests need of it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings

from tests.services.ecs.stage import Stage
from tests.support.fake_runtime import FakeRuntime

Register = Callable[..., str]


@pytest.fixture
def ecs(aws: Callable[..., Any]) -> Any:
    return aws("ecs")


@pytest.fixture
def subnet(aws: Callable[..., Any]) -> str:
    """A subnet of the account's default VPC."""
    return str(aws("ec2").describe_subnets()["Subnets"][0]["SubnetId"])


@pytest.fixture
def register(ecs: Any) -> Register:
    """``register("family", {...container...}, networkMode="awsvpc")``: registers a definition, answers its ARN."""

    def make(family: str = "app", *containers: dict[str, Any], **members: Any) -> str:
        definitions = [
            {"name": f"container{index}", "image": "busybox", "memory": 64, **container}
            for index, container in enumerate(containers or ({"name": "app"},))
        ]
        answer = ecs.register_task_definition(family=family, containerDefinitions=definitions, **members)
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    return make


@pytest.fixture
def awsvpc(subnet: str) -> dict[str, Any]:
    """A network configuration in the default VPC."""
    return {"awsvpcConfiguration": {"subnets": [subnet]}}


@pytest.fixture
def stage(ecs: Any, account: Any, kicks: list[tuple[str, str]]) -> Stage:
    runtime = FakeRuntime(images=["busybox", settings.SIMFRA_SIDECAR_IMAGE])
    return Stage(ecs=ecs, runtime=runtime, kicks=kicks, account_id=account.account_id)


@pytest.fixture
def role(aws: Callable[..., Any]) -> str:
    """A role that trusts ECS's tasks and may nothing."""
    document = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",'
    document += '"Principal":{"Service":"ecs-tasks.amazonaws.com"}}]}'
    return str(aws("iam").create_role(RoleName="task", AssumeRolePolicyDocument=document)["Role"]["Arn"])
