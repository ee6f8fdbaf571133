"""Permissions on secrets, parameters and keys, held by a user, however the request names them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.services.secretsmanager.test_secrets import code_of


@pytest.fixture
def user(aws: Callable[..., Any]) -> Callable[..., Any]:
    """``user("ssm", statement, ...)``: a client of a user who has these permissions alone."""
    iam = aws("iam")
    iam.create_user(UserName="reader")
    key = iam.create_access_key(UserName="reader")["AccessKey"]

    def make(service: str, *statements: dict[str, str]) -> Any:
        allowed = [{"Effect": "Allow", **statement} for statement in statements]
        document = json.dumps({"Version": "2012-10-17", "Statement": allowed})
        iam.put_user_policy(UserName="reader", PolicyName="reads", PolicyDocument=document)
        return aws(service, key=key["AccessKeyId"], secret=key["SecretAccessKey"])

    return make


def test_a_permission_on_a_secrets_arn_holds_for_its_name(secrets, user):
    arn = secrets.create_secret(Name="mine", SecretString="1")["ARN"]
    secrets.create_secret(Name="other", SecretString="2")
    reader = user("secretsmanager", {"Action": "secretsmanager:GetSecretValue", "Resource": arn})
    for secret_id in ("mine", arn, arn[:-7]):
        assert reader.get_secret_value(SecretId=secret_id)["SecretString"] == "1"
    for call in (
        lambda: reader.get_secret_value(SecretId="other"),
        lambda: reader.put_secret_value(SecretId="mine", SecretString="3"),
    ):
        with pytest.raises(ClientError, match="is not authorized to perform: secretsmanager:") as error:
            call()
        assert code_of(error) == "AccessDeniedException"


def test_a_secret_under_a_customers_key_needs_the_key_too(secrets, kms, user):
    key_arn = kms.create_key()["KeyMetadata"]["Arn"]
    secrets.create_secret(Name="mine", SecretString="1", KmsKeyId=key_arn)
    read = {"Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    with pytest.raises(ClientError, match="Access to KMS is not allowed") as error:
        user("secretsmanager", read).get_secret_value(SecretId="mine")
    assert code_of(error) == "AccessDeniedException"
    reader = user("secretsmanager", read, {"Action": "kms:Decrypt", "Resource": key_arn})
    assert reader.get_secret_value(SecretId="mine")["SecretString"] == "1"


def test_a_resource_policy_lets_a_user_in(secrets, user, account):
    secrets.create_secret(Name="mine", SecretString="1")
    reader = user("secretsmanager", {"Action": "sqs:ListQueues", "Resource": "*"})
    with pytest.raises(ClientError):
        reader.get_secret_value(SecretId="mine")
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account.account_id}:user/reader"},
        "Action": "secretsmanager:GetSecretValue",
        "Resource": "*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    secrets.put_resource_policy(SecretId="mine", ResourcePolicy=policy)
    assert reader.get_secret_value(SecretId="mine")["SecretString"] == "1"


def test_a_permission_on_a_path_of_parameters_ends_there(aws, user, account):
    ssm = aws("ssm")
    ssm.put_parameter(Name="/app/token", Value="1", Type="SecureString")
    ssm.put_parameter(Name="/other", Value="2", Type="String")
    path = f"arn:aws:ssm:us-east-1:{account.account_id}:parameter/app/*"
    reader = user("ssm", {"Action": "ssm:GetParameter", "Resource": path})
    assert reader.get_parameter(Name="/app/token", WithDecryption=True)["Parameter"]["Value"] == "1"
    with pytest.raises(ClientError) as error:
        reader.get_parameter(Name="/other")
    assert code_of(error) == "AccessDeniedException"


def test_a_permission_on_a_key_holds_for_its_alias_and_its_ciphertexts(kms, user):
    key_arn = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/app", TargetKeyId=key_arn)
    other = kms.create_key()["KeyMetadata"]["Arn"]
    actions = ["kms:Encrypt", "kms:Decrypt"]
    caller = user("kms", {"Action": actions, "Resource": key_arn})  # type: ignore[dict-item]
    blob = caller.encrypt(KeyId="alias/app", Plaintext=b"x")["CiphertextBlob"]
    assert caller.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    foreign = kms.encrypt(KeyId=other, Plaintext=b"x")["CiphertextBlob"]
    for call in (
        lambda: caller.encrypt(KeyId=other, Plaintext=b"x"),
        lambda: caller.decrypt(CiphertextBlob=foreign),
    ):
        with pytest.raises(ClientError) as error:
            call()
        assert code_of(error) == "AccessDeniedException"
