"""Terraform keeps a load balancer with all that belongs to it, on a real engine: it waits until that is active."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.elbv2.world import World, open_world
from tests.support.docker_engine import docker_settings
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

output "dns_name" {{
  value = aws_lb.web.dns_name
}}
"""


@pytest.fixture
def world(docker_settings: None, gateway: Any) -> Iterator[World]:
    with open_world(gateway) as opened:
        yield opened


def test_terraform_makes_changes_and_takes_away_a_load_balancer(world: World, tmp_path: Path) -> None:
    terraform = Terraform(
        tmp_path,
        endpoint=world.endpoint,
        access_key_id=world.account.root_access_key_id,
        secret_access_key=world.account.root_secret_access_key,
    )
    terraform.configure(CONFIGURATION.format(address=world.target_address, idle_timeout=60, priority=10))
    terraform.init()
    terraform.apply()
    terraform.check_clean()
    elbv2 = world.aws("elbv2")
    (made,) = elbv2.describe_load_balancers(Names=["web"])["LoadBalancers"]
    (group,) = elbv2.describe_target_groups(Names=["app"])["TargetGroups"]
    assert made["State"]["Code"] == "active"
    assert terraform.outputs()["dns_name"] == made["DNSName"]

    terraform.configure(CONFIGURATION.format(address=world.target_address, idle_timeout=30, priority=20))
    terraform.apply()
    terraform.check_clean()
    world.wait_health(group["TargetGroupArn"], 8001, "healthy")
    address = world.address_of(made)
    assert world.get(f"http://{address}/a?b").headers["location"] == f"https://{address}:443/a?b"
    assert world.get(f"https://{address}/fixed/x", "-H", "X-Env: test").body == "fixed"
    assert world.get(f"https://{address}/fixed/x").json["port"] == 8001

    terraform.destroy()
    assert elbv2.describe_load_balancers()["LoadBalancers"] == []
    assert elbv2.describe_target_groups()["TargetGroups"] == []
    assert world.aws("acm").list_certificates()["CertificateSummaryList"] == []
