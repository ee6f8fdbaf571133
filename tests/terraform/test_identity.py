"""Terraform keeps identities and what they may: apply, a clean plan, a change, destroy."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.terraform.terraform import Terraform, needs_terraform

CONFIGURATION = """
data "aws_caller_identity" "me" {{}}

data "aws_iam_policy_document" "trust" {{
  statement {{
    actions = ["sts:AssumeRole"]
    principals {{
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }}
  }}
}}

resource "aws_iam_role" "task" {{
  name                 = "orders-task"
  path                 = "/orders/"
  description          = "{value}"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = aws_iam_policy.queues.arn
  max_session_duration = 7200
  tags                 = {{ team = "{value}" }}
}}

resource "aws_iam_role_policy" "inline" {{
  name = "send"
  role = aws_iam_role.task.id
  policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [{{ Effect = "Allow", Action = "sqs:SendMessage", Resource = "arn:aws:sqs:*:*:{value}" }}]
  }})
}}

resource "aws_iam_policy" "queues" {{
  name        = "orders-queues"
  description = "queues"
  policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [{{ Effect = "Allow", Action = ["sqs:*"], Resource = "arn:aws:sqs:*:*:{value}" }}]
  }})
}}

resource "aws_iam_role_policy_attachment" "queues" {{
  role       = aws_iam_role.task.name
  policy_arn = aws_iam_policy.queues.arn
}}

resource "aws_iam_role_policy_attachment" "execution" {{
  role       = aws_iam_role.task.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}}

resource "aws_iam_instance_profile" "instance" {{
  name = "orders-instance"
  role = aws_iam_role.task.name
}}

resource "aws_iam_group" "operators" {{
  name = "operators"
}}

resource "aws_iam_group_policy" "operators" {{
  name  = "read"
  group = aws_iam_group.operators.name
  policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [{{ Effect = "Allow", Action = "ecs:Describe*", Resource = "*" }}]
  }})
}}

resource "aws_iam_user" "ann" {{
  name = "ann"
  tags = {{ team = "{value}" }}
}}

resource "aws_iam_user_group_membership" "ann" {{
  user   = aws_iam_user.ann.name
  groups = [aws_iam_group.operators.name]
}}

resource "aws_iam_user_policy_attachment" "ann" {{
  user       = aws_iam_user.ann.name
  policy_arn = aws_iam_policy.queues.arn
}}

resource "aws_iam_access_key" "ann" {{
  user = aws_iam_user.ann.name
}}

resource "aws_kms_key" "orders" {{
  deletion_window_in_days = 7
}}

resource "aws_kms_grant" "task" {{
  name              = "task"
  key_id            = aws_kms_key.orders.key_id
  grantee_principal = aws_iam_role.task.arn
  operations        = ["Decrypt", "DescribeKey", "GenerateDataKey"]

  constraints {{
    encryption_context_equals = {{ order = "{value}" }}
  }}
}}

output "role_arn" {{
  value = aws_iam_role.task.arn
}}

output "key" {{
  value     = [aws_iam_access_key.ann.id, aws_iam_access_key.ann.secret]
  sensitive = true
}}
"""


@needs_terraform
def test_terraform_makes_changes_and_takes_away_identities(
    terraform: Terraform, aws: Callable[..., Any], account: Any
) -> None:
    iam = aws("iam")
    terraform.configure(CONFIGURATION.format(value="first"))
    terraform.init()
    terraform.apply()
    terraform.check_clean()
    outputs = terraform.outputs()
    assert outputs["role_arn"] == f"arn:aws:iam::{account.account_id}:role/orders/orders-task"
    key_id, secret = outputs["key"]
    theirs = aws("sqs", key=key_id, secret=secret)
    theirs.create_queue(QueueName="first")
    with pytest.raises(ClientError):
        theirs.create_queue(QueueName="second")

    terraform.configure(CONFIGURATION.format(value="second"))
    terraform.apply()
    terraform.check_clean()
    theirs.create_queue(QueueName="second")
    inline = iam.get_role_policy(RoleName="orders-task", PolicyName="send")["PolicyDocument"]
    assert "second" in json.dumps(inline)
    assert len(
        iam.list_policy_versions(PolicyArn=f"arn:aws:iam::{account.account_id}:policy/orders-queues")["Versions"]
    )

    terraform.destroy()
    assert iam.list_roles(PathPrefix="/orders/")["Roles"] == []
    assert (iam.list_users()["Users"], iam.list_groups()["Groups"]) == ([], [])
    assert iam.list_policies(Scope="Local")["Policies"] == []
    assert iam.list_instance_profiles()["InstanceProfiles"] == []
