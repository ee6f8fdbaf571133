"""Terraform keeps a whole service behind a load balancer, with its scaling, on a real engine.

One stack for all of it: the provider waits half a minute for each load balancer, however soon that is there.
"""

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
data "aws_vpc" "default" {{
  default = true
}}

data "aws_subnets" "default" {{
  filter {{
    name   = "vpc-id"
    values = [data.aws_vpc.default.id]
  }}
}}

resource "aws_security_group" "web" {{
  name   = "web"
  vpc_id = data.aws_vpc.default.id
  ingress {{
    from_port   = 80
    to_port     = 443
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

# The targets' own group lets in whoever is in it.
data "aws_security_group" "default" {{
  name   = "default"
  vpc_id = data.aws_vpc.default.id
}}

resource "aws_lb" "web" {{
  name            = "web"
  security_groups = [aws_security_group.web.id, data.aws_security_group.default.id]
  subnets         = slice(sort(data.aws_subnets.default.ids), 0, 2)
  idle_timeout    = {idle_timeout}
  tags            = {{ team = "orders" }}
}}

resource "aws_acm_certificate" "web" {{
  domain_name               = "web.example.com"
  subject_alternative_names = ["*.web.example.com"]
  validation_method         = "DNS"
}}

resource "aws_acm_certificate_validation" "web" {{
  certificate_arn = aws_acm_certificate.web.arn
}}

resource "aws_lb_target_group" "app" {{
  name                 = "app"
  port                 = 80
  protocol             = "HTTP"
  target_type          = "ip"
  vpc_id               = data.aws_vpc.default.id
  deregistration_delay = 5
  health_check {{
    path                = "/health"
    interval            = 5
    timeout             = 2
    healthy_threshold   = 2
    unhealthy_threshold = 2
    matcher             = "200-299"
  }}
  stickiness {{
    type            = "lb_cookie"
    cookie_duration = 60
  }}
}}

resource "aws_lb_target_group_attachment" "app" {{
  target_group_arn = aws_lb_target_group.app.arn
  target_id        = "{address}"
  port             = 8001
}}

resource "aws_lb_listener" "http" {{
  load_balancer_arn = aws_lb.web.arn
  port              = 80
  protocol          = "HTTP"
  default_action {{
    type = "redirect"
    redirect {{
      port        = "443"
      protocol    = "HTTPS"
      status_code = "HTTP_301"
    }}
  }}
}}

resource "aws_lb_listener" "https" {{
  load_balancer_arn = aws_lb.web.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = aws_acm_certificate_validation.web.certificate_arn
  default_action {{
    type             = "forward"
    target_group_arn = aws_lb_target_group.app.arn
  }}
}}

resource "aws_lb_listener_rule" "fixed" {{
  listener_arn = aws_lb_listener.https.arn
  priority     = {priority}
  condition {{
    path_pattern {{
      values = ["/fixed/*"]
    }}
  }}
  condition {{
    http_header {{
      http_header_name = "X-Env"
      values           = ["test"]
    }}
  }}
  action {{
    type = "fixed-response"
    fixed_response {{
      content_type = "text/plain"
      message_body = "fixed"
      status_code  = "200"
    }}
  }}
}}

resource "aws_security_group" "tasks" {{
  name   = "tasks"
  vpc_id = data.aws_vpc.default.id
  ingress {{
    from_port       = 8080
    to_port         = 8080
    protocol        = "tcp"
    security_groups = [aws_security_group.web.id]
  }}
  egress {{
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }}
}}

resource "aws_lb_target_group" "service" {{
  name                 = "service"
  port                 = 8080
  protocol             = "HTTP"
  target_type          = "ip"
  vpc_id               = data.aws_vpc.default.id
  deregistration_delay = 2
  health_check {{
    path     = "/index.html"
    interval = 5
    timeout  = 2
  }}
}}

resource "aws_lb_listener_rule" "service" {{
  listener_arn = aws_lb_listener.https.arn
  priority     = 100
  condition {{
    host_header {{
      values = ["app.web.example.com"]
    }}
  }}
  action {{
    type             = "forward"
    target_group_arn = aws_lb_target_group.service.arn
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
    subnets         = slice(sort(data.aws_subnets.default.ids), 0, 2)
    security_groups = [aws_security_group.tasks.id]
  }}
  deployment_circuit_breaker {{
    enable   = true
    rollback = true
  }}
  load_balancer {{
    target_group_arn = aws_lb_target_group.service.arn
    container_name   = "app"
    container_port   = 8080
  }}
  depends_on = [aws_lb_listener_rule.service]
}}

resource "aws_appautoscaling_target" "app" {{
  service_namespace  = "ecs"
  resource_id        = "service/${{aws_ecs_cluster.app.name}}/${{aws_ecs_service.app.name}}"
  scalable_dimension = "ecs:service:DesiredCount"
  min_capacity       = 2
  max_capacity       = {most}
}}

resource "aws_appautoscaling_policy" "requests" {{
  name               = "requests"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.app.service_namespace
  resource_id        = aws_appautoscaling_target.app.resource_id
  scalable_dimension = aws_appautoscaling_target.app.scalable_dimension
  target_tracking_scaling_policy_configuration {{
    target_value       = 1000
    scale_in_cooldown  = 60
    scale_out_cooldown = 30
    predefined_metric_specification {{
      predefined_metric_type = "ALBRequestCountPerTarget"
      resource_label         = "${{aws_lb.web.arn_suffix}}/${{aws_lb_target_group.service.arn_suffix}}"
    }}
  }}
}}

resource "aws_appautoscaling_policy" "steps" {{
  name               = "steps"
  policy_type        = "StepScaling"
  service_namespace  = aws_appautoscaling_target.app.service_namespace
  resource_id        = aws_appautoscaling_target.app.resource_id
  scalable_dimension = aws_appautoscaling_target.app.scalable_dimension
  step_scaling_policy_configuration {{
    adjustment_type         = "ChangeInCapacity"
    cooldown                = 60
    metric_aggregation_type = "Maximum"
    step_adjustment {{
      metric_interval_lower_bound = 0
      metric_interval_upper_bound = 20
      scaling_adjustment          = 1
    }}
    step_adjustment {{
      metric_interval_lower_bound = 20
      scaling_adjustment          = 2
    }}
  }}
}}

resource "aws_appautoscaling_scheduled_action" "morning" {{
  name               = "morning"
  service_namespace  = aws_appautoscaling_target.app.service_namespace
  resource_id        = aws_appautoscaling_target.app.resource_id
  scalable_dimension = aws_appautoscaling_target.app.scalable_dimension
  schedule           = "cron(0 8 * * ? *)"
  timezone           = "Europe/Berlin"
  scalable_target_action {{
    min_capacity = 3
    max_capacity = 6
  }}
}}

resource "aws_cloudwatch_metric_alarm" "errors" {{
  alarm_name          = "errors"
  namespace           = "AWS/ApplicationELB"
  metric_name         = "HTTPCode_Target_5XX_Count"
  dimensions          = {{ LoadBalancer = aws_lb.web.arn_suffix }}
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 2
  threshold           = 10
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_appautoscaling_policy.steps.arn]
}}

output "dns_name" {{
  value = aws_lb.web.dns_name
}}
"""


@pytest.fixture
def world(docker_settings: None, gateway: Any) -> Iterator[World]:
    with open_world(gateway) as opened, watching():
        yield opened


def test_a_service_behind_a_load_balancer_from_plan_to_destroy(world: World, tmp_path: Path) -> None:
    terraform = Terraform(
        tmp_path,
        endpoint=world.endpoint,
        access_key_id=world.account.root_access_key_id,
        secret_access_key=world.account.root_secret_access_key,
    )
    terraform.configure(configuration(world, idle_timeout=60, priority=10, says="one", most=4))
    terraform.init()
    terraform.apply()
    elbv2, ecs, scaling = world.aws("elbv2"), world.aws("ecs"), world.aws("application-autoscaling")
    (made,) = elbv2.describe_load_balancers(Names=["web"])["LoadBalancers"]
    assert made["State"]["Code"] == "active"
    assert terraform.outputs()["dns_name"] == made["DNSName"]
    assert healthy_targets(world) == 2
    terraform.check_clean()

    terraform.configure(configuration(world, idle_timeout=30, priority=20, says="two", most=5))
    terraform.apply()
    terraform.check_clean()
    (service,) = ecs.describe_services(cluster="app", services=["app"])["services"]
    assert [each["rolloutState"] for each in service["deployments"]] == ["COMPLETED"]
    assert service["taskDefinition"].endswith("app:2")
    assert healthy_targets(world) == 2
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 5)
    policies = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    assert {policy["PolicyName"] for policy in policies} == {"requests", "steps"}

    (group,) = elbv2.describe_target_groups(Names=["app"])["TargetGroups"]
    world.wait_health(group["TargetGroupArn"], 8001, "healthy")
    address = world.address_of(made)
    assert world.get(f"http://{address}/a?b").headers["location"] == f"https://{address}:443/a?b"
    assert world.get(f"https://{address}/fixed/x", "-H", "X-Env: test").body == "fixed"
    assert world.get(f"https://{address}/fixed/x").json["port"] == 8001
    answer = world.get(f"https://{address}/index.html", "-H", "Host: app.web.example.com")
    assert answer.body.strip() == "two"

    terraform.destroy()
    assert elbv2.describe_load_balancers()["LoadBalancers"] == []
    assert elbv2.describe_target_groups()["TargetGroups"] == []
    assert world.aws("acm").list_certificates()["CertificateSummaryList"] == []
    assert scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"] == []
    assert ecs.describe_clusters(clusters=["app"])["clusters"][0]["status"] == "INACTIVE"


def configuration(world: World, **values: Any) -> str:
    return CONFIGURATION.format(address=world.target_address, image=busybox_image(), **values)


def healthy_targets(world: World) -> int:
    elbv2 = world.aws("elbv2")
    (group,) = elbv2.describe_target_groups(Names=["service"])["TargetGroups"]
    return list(world.health_of_all(group["TargetGroupArn"]).values()).count("healthy")
