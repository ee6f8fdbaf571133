"""An ECS client of a fresh account, and what most tests need of it."""

from collections.abc import Callable
from typing import Any

import pytest

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
