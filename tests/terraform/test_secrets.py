"""Terraform keeps secrets, parameters and keys: apply, a clean plan, a change, destroy."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.terraform.terraform import Terraform, needs_terraform

CONFIGURATION = """
resource "aws_kms_key" "orders" {{
  description             = "orders"
  enable_key_rotation     = true
  deletion_window_in_days = 7
  tags                    = {{ team = "orders" }}
}}

resource "aws_kms_alias" "orders" {{
  name          = "alias/orders"
  target_key_id = aws_kms_key.orders.key_id
}}

resource "aws_kms_key" "signing" {{
  customer_master_key_spec = "ECC_NIST_P256"
  key_usage                = "SIGN_VERIFY"
}}

resource "aws_secretsmanager_secret" "database" {{
  name                    = "orders/database"
  description             = "{value}"
  kms_key_id              = aws_kms_key.orders.arn
  recovery_window_in_days = 0
  tags                    = {{ team = "orders" }}
}}

resource "aws_secretsmanager_secret_version" "database" {{
  secret_id     = aws_secretsmanager_secret.database.id
  secret_string = jsonencode({{ password = "{value}" }})
}}

resource "aws_secretsmanager_secret_policy" "database" {{
  secret_arn = aws_secretsmanager_secret.database.arn
  policy = jsonencode({{
    Version = "2012-10-17"
    Statement = [{{
      Effect    = "Allow"
      Principal = {{ AWS = "arn:aws:iam::${{data.aws_caller_identity.me.account_id}}:root" }}
      Action    = "secretsmanager:GetSecretValue"
      Resource  = "*"
    }}]
  }})
}}

data "aws_caller_identity" "me" {{}}

resource "aws_ssm_parameter" "url" {{
  name  = "/orders/url"
  type  = "String"
  value = "{value}"
  tags  = {{ team = "orders" }}
}}

resource "aws_ssm_parameter" "token" {{
  name   = "/orders/token"
  type   = "SecureString"
  key_id = aws_kms_alias.orders.name
  value  = "{value}"
}}

data "aws_ssm_parameter" "image" {{
  name = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
}}

output "secret_arn" {{
  value = aws_secretsmanager_secret.database.arn
}}

output "key_id" {{
  value = aws_kms_key.orders.key_id
}}
"""


@needs_terraform
def test_terraform_makes_changes_and_takes_away_secrets(terraform: Terraform, aws: Callable[..., Any]) -> None:
    secrets, ssm, kms = aws("secretsmanager"), aws("ssm"), aws("kms")
    terraform.configure(CONFIGURATION.format(value="first"))
    terraform.init()
    terraform.apply()
    terraform.check_clean()
    outputs = terraform.outputs()
    assert secrets.get_secret_value(SecretId=outputs["secret_arn"])["SecretString"] == '{"password":"first"}'
    assert ssm.get_parameter(Name="/orders/token", WithDecryption=True)["Parameter"]["Value"] == "first"
    assert kms.describe_key(KeyId="alias/orders")["KeyMetadata"]["KeyId"] == outputs["key_id"]

    terraform.configure(CONFIGURATION.format(value="second"))
    terraform.apply()
    terraform.check_clean()
    assert secrets.get_secret_value(SecretId="orders/database")["SecretString"] == '{"password":"second"}'
    assert ssm.get_parameter(Name="/orders/token", WithDecryption=True)["Parameter"]["Value"] == "second"
    assert ssm.get_parameter(Name="/orders/url")["Parameter"]["Version"] == 2

    terraform.destroy()
    assert secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"] == []
    assert ssm.describe_parameters()["Parameters"] == []
    assert kms.describe_key(KeyId=outputs["key_id"])["KeyMetadata"]["KeyState"] == "PendingDeletion"
    with pytest.raises(ClientError):
        kms.describe_key(KeyId="alias/orders")
