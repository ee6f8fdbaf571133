"""Terraform keeps a whole service behind a load balancer, on a real engine: it waits for the steady state."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.ecs.docker_stage import watching
from tests.services.elbv2.world import World, open_world
from tests.support.docker_engine import docker_settings
from tests.support.images import busybox_image
from tests.terraform.terraform import Terraform, needs_terraform

__all__ = ["docker_settings"]
pytestmark = [pytest.mark.docker, needs_terraform]

CONFIGURATION = """
resource "aws_vpc" "app" {{
  cidr_block           = "10.42.0.0/16"
  enable_dns_hostnames = true
}}

resource "aws_internet_gateway" "app" {{
  vpc_id = aws_vpc.app.id
}}

resource "aws_route_table" "app" {{
  vpc_id = aws_vpc.app.id
  route {{
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.app.id
  }}
}}

resource "aws_subnet" "app" {{
  for_each          = {{ a = 1, b = 2 }}
  vpc_id            = aws_vpc.app.id
  availability_zone = "us-east-1${{each.key}}"
  cidr_block        = cidrsubnet(aws_vpc.app.cidr_block, 8, each.value)
}}

resource "aws_route_table_association" "app" {{
  for_each       = aws_subnet.app
  subnet_id      = each.value.id
  route_table_id = aws_route_table.app.id
}}

resource "aws_security_group" "balancer" {{
  name   = "balancer"
  vpc_id = aws_vpc.app.id
  ingress {{
    from_port   = 80
    to_port     = 80
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }}
  egress {{
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }}
}}

resource "aws_security_group" "tasks" {{
  name   = "tasks"
  vpc_id = aws_vpc.app.id
  ingress {{
    from_port       = 8080
    to_port         = 8080
    protocol        = "tcp"
    security_groups = [aws_security_group.balancer.id]
  }}
  egress {{
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }}
}}

resource "aws_lb" "app" {{
  name            = "app"
  security_groups = [aws_security_group.balancer.id]
  subnets         = [for subnet in aws_subnet.app : subnet.id]
  depends_on      = [aws_internet_gateway.app]
}}

resource "aws_lb_target_group" "app" {{
  name                 = "app"
  port                 = 8080
  protocol             = "HTTP"
  target_type          = "ip"
  vpc_id               = aws_vpc.app.id
  deregistration_delay = 2
  health_check {{
    path     = "/index.html"
    interval = 5
    timeout  = 2
  }}
}}

resource "aws_lb_listener" "app" {{
  load_balancer_arn = aws_lb.app.arn
  port              = 80
  protocol          = "HTTP"
  default_action {{
    type             = "forward"
    target_group_arn = aws_lb_target_group.app.arn
  }}
}}

data "aws_iam_policy_document" "trust" {{
  statement {{
    actions = ["sts:AssumeRole"]
    principals {{
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }}
  }}
}}

resource "aws_iam_role" "app" {{
  for_each           = toset(["execution", "task"])
  name               = "app-${{each.key}}"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}}

resource "aws_ecs_cluster" "app" {{
  name = "app"
}}

resource "aws_ecs_task_definition" "app" {{
  family                   = "app"
  network_mode             = "awsvpc"
  requires_compatibilities = ["FARGATE"]
  cpu                      = 256
  memory                   = 512
  execution_role_arn       = aws_iam_role.app["execution"].arn
  task_role_arn            = aws_iam_role.app["task"].arn
  container_definitions = jsonencode([{{
    name         = "app"
    image        = "{image}"
    essential    = true
    stopTimeout  = 2
    command      = ["sh", "-c", "echo {says} > /tmp/index.html; exec httpd -f -p 8080 -h /tmp"]
    portMappings = [{{ containerPort = 8080 }}]
  }}])
}}

resource "aws_ecs_service" "app" {{
  name                  = "app"
  cluster               = aws_ecs_cluster.app.id
  task_definition       = aws_ecs_task_definition.app.arn
  desired_count         = 2
  launch_type           = "FARGATE"
  wait_for_steady_state = true
  network_configuration {{
    subnets         = [for subnet in aws_subnet.app : subnet.id]
    security_groups = [aws_security_group.tasks.id]
  }}
  deployment_circuit_breaker {{
    enable   = true
    rollback = true
  }}
  load_balancer {{
    target_group_arn = aws_lb_target_group.app.arn
    container_name   = "app"
    container_port   = 8080
  }}
  depends_on = [aws_lb_listener.app]
}}

output "target_group" {{
  value = aws_lb_target_group.app.arn
}}
"""


@pytest.fixture(scope="module")
def world(docker_settings: None, gateway: Any) -> Iterator[World]:
    with open_world(gateway) as opened, watching():
        yield opened


def test_a_service_behind_a_load_balancer_from_plan_to_destroy(world: World, tmp_path: Path) -> None:
    account = world.account
    terraform = Terraform(
        tmp_path,
        endpoint=world.endpoint,
        access_key_id=account.root_access_key_id,
        secret_access_key=account.root_secret_access_key,
    )
    terraform.configure(CONFIGURATION.format(image=busybox_image(), says="one"))
    terraform.init()
    terraform.apply()
    assert healthy_targets(world, terraform) == 2
    terraform.check_clean()
    terraform.configure(CONFIGURATION.format(image=busybox_image(), says="two"))
    terraform.apply()
    terraform.check_clean()
    (service,) = world.aws("ecs").describe_services(cluster="app", services=["app"])["services"]
    assert [each["rolloutState"] for each in service["deployments"]] == ["COMPLETED"]
    assert service["taskDefinition"].endswith("app:2")
    assert healthy_targets(world, terraform) == 2
    terraform.destroy()
    assert world.aws("elbv2").describe_load_balancers()["LoadBalancers"] == []
    assert world.aws("ecs").describe_clusters(clusters=["app"])["clusters"][0]["status"] == "INACTIVE"


def healthy_targets(world: World, terraform: Terraform) -> int:
    arn = terraform.outputs()["target_group"]
    found = world.aws("elbv2").describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    return [each["TargetHealth"]["State"] for each in found].count("healthy")
