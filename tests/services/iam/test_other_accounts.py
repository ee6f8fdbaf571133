"""What is another account's may be used where both sides allow it, in every service that shares something."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws_api.core.ids import new_account_id
from aws_api.core.models import Account
from tests.support.in_process import client

Client = Callable[..., Any]
DENIED = ("AccessDenied", "AccessDeniedException")


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture
def stranger(gateway: Any) -> Account:
    """Another account."""
    return Account.objects.create(account_id=new_account_id())


@pytest.fixture
def root(gateway: Any, stranger: Account) -> Client:
    """Clients of the other account's root."""
    keys = {"key": stranger.root_access_key_id, "secret": stranger.root_secret_access_key}
    return lambda service: client(gateway, service, **keys)


@pytest.fixture
def user(gateway: Any, root: Client) -> Client:
    """Clients of the other account's user, who is allowed everything there."""
    iam = root("iam")
    iam.create_user(UserName="bob")
    everything = policy({"Effect": "Allow", "Action": "*", "Resource": "*"})
    iam.put_user_policy(UserName="bob", PolicyName="everything", PolicyDocument=everything)
    key = iam.create_access_key(UserName="bob")["AccessKey"]
    return lambda service: client(gateway, service, key=key["AccessKeyId"], secret=key["SecretAccessKey"])


def may(call: Callable[..., Any], **request: Any) -> bool:
    try:
        call(**request)
    except ClientError as refusal:
        assert refusal.response["Error"]["Code"] in DENIED, refusal
        return False
    return True


def letting_in(principal: str | dict[str, Any], action: str, **more: Any) -> str:
    """A resource policy for one action."""
    return policy({"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*", **more})


def test_a_queue_is_used_where_both_sides_allow(aws: Client, root: Client, user: Client, stranger: Account) -> None:
    sqs = aws("sqs")
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    message = {"QueueUrl": url, "MessageBody": "hello"}
    assert not may(user("sqs").send_message, **message)
    assert not may(root("sqs").send_message, **message), "root is root in its own account alone"
    allowed = letting_in({"AWS": stranger.account_id}, "sqs:SendMessage")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": allowed})
    assert may(user("sqs").send_message, **message)
    assert may(root("sqs").send_message, **message)
    assert not may(user("sqs").receive_message, QueueUrl=url)
    assert [each["Body"] for each in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]] == [
        "hello",
        "hello",
    ]
    root("iam").put_user_policy(
        UserName="bob",
        PolicyName="everything",
        PolicyDocument=policy({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}),
    )
    assert not may(user("sqs").send_message, **message), "its own account does not allow it"


def test_a_queue_is_found_by_its_owner_and_kept_by_it(aws: Client, user: Client, account: Account) -> None:
    sqs = aws("sqs")
    url = sqs.create_queue(QueueName="orders", Attributes={"Policy": letting_in("*", "sqs:*")})["QueueUrl"]
    theirs = user("sqs")
    assert theirs.get_queue_url(QueueName="orders", QueueOwnerAWSAccountId=account.account_id)["QueueUrl"] == url
    assert not may(theirs.delete_queue, QueueUrl=url), "a policy cannot give that away"
    assert not may(theirs.set_queue_attributes, QueueUrl=url, Attributes={"DelaySeconds": "1"})


def test_not_principal_spares_the_account_and_user_that_it_names(
    aws: Client, root: Client, user: Client, stranger: Account
) -> None:
    sqs = aws("sqs")
    spared = [f"arn:aws:iam::{stranger.account_id}:root", f"arn:aws:iam::{stranger.account_id}:user/bob"]
    document = policy(
        {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"},
        {"Effect": "Deny", "NotPrincipal": {"AWS": spared}, "Action": "sqs:SendMessage", "Resource": "*"},
    )
    url = sqs.create_queue(QueueName="orders", Attributes={"Policy": document})["QueueUrl"]
    assert may(user("sqs").send_message, QueueUrl=url, MessageBody="hello")
    assert may(root("sqs").send_message, QueueUrl=url, MessageBody="hello")
    root("iam").create_user(UserName="eve")
    everything = policy({"Effect": "Allow", "Action": "*", "Resource": "*"})
    root("iam").put_user_policy(UserName="eve", PolicyName="everything", PolicyDocument=everything)
    key = root("iam").create_access_key(UserName="eve")["AccessKey"]
    eve = aws("sqs", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    assert not may(eve.send_message, QueueUrl=url, MessageBody="hello")


def test_a_secret_under_a_customers_key_is_read_where_both_allow(aws: Client, user: Client, stranger: Account) -> None:
    secrets, kms = aws("secretsmanager"), aws("kms")
    key = kms.create_key()["KeyMetadata"]
    arn = secrets.create_secret(Name="shared", SecretString="1", KmsKeyId=key["Arn"])["ARN"]
    theirs = user("secretsmanager")
    assert not may(theirs.get_secret_value, SecretId=arn)
    bob = {"AWS": f"arn:aws:iam::{stranger.account_id}:user/bob"}
    read = letting_in(bob, "secretsmanager:GetSecretValue")
    secrets.put_resource_policy(SecretId="shared", ResourcePolicy=read)
    assert not may(theirs.get_secret_value, SecretId=arn), "the key's policy does not let him in"
    owner = {
        "Effect": "Allow",
        "Principal": {"AWS": key["AWSAccountId"]},
        "Action": "kms:*",
        "Resource": "*",
    }
    decrypts = {"Effect": "Allow", "Principal": bob, "Action": "kms:Decrypt", "Resource": "*"}
    kms.put_key_policy(KeyId=key["KeyId"], Policy=policy(owner, decrypts))
    assert theirs.get_secret_value(SecretId=arn)["SecretString"] == "1"
    assert theirs.batch_get_secret_value(SecretIdList=[arn])["SecretValues"][0]["ARN"] == arn
    assert not may(theirs.put_secret_value, SecretId=arn, SecretString="2")


def test_a_secret_under_awss_own_key_is_read_by_no_other_account(aws: Client, user: Client) -> None:
    secrets = aws("secretsmanager")
    arn = secrets.create_secret(Name="own", SecretString="1")["ARN"]
    secrets.put_resource_policy(SecretId="own", ResourcePolicy=letting_in("*", "secretsmanager:*"))
    assert may(user("secretsmanager").describe_secret, SecretId=arn)
    assert not may(user("secretsmanager").get_secret_value, SecretId=arn)


def test_keys_of_two_accounts_re_encrypt(aws: Client, user: Client, stranger: Account, account: Account) -> None:
    ours, theirs = aws("kms"), user("kms")
    key, own = ours.create_key()["KeyMetadata"], theirs.create_key()["KeyMetadata"]
    blob = ours.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    assert not may(theirs.re_encrypt, CiphertextBlob=blob, DestinationKeyId=own["KeyId"])
    statements = [
        {"Effect": "Allow", "Principal": {"AWS": each}, "Action": "kms:*", "Resource": "*"}
        for each in (account.account_id, stranger.account_id)
    ]
    ours.put_key_policy(KeyId=key["KeyId"], Policy=policy(*statements))
    moved = theirs.re_encrypt(CiphertextBlob=blob, DestinationKeyId=own["KeyId"])
    assert moved["KeyId"] == own["Arn"]
    assert theirs.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"] == b"x"
    back = theirs.re_encrypt(CiphertextBlob=moved["CiphertextBlob"], DestinationKeyId=key["Arn"])["CiphertextBlob"]
    assert ours.decrypt(CiphertextBlob=back)["Plaintext"] == b"x"
    assert not may(theirs.schedule_key_deletion, KeyId=key["Arn"]), "a policy cannot give that away"


def test_a_table_is_read_by_its_arn(aws: Client, user: Client, stranger: Account) -> None:
    dynamodb = aws("dynamodb")
    table = dynamodb.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]["TableArn"]
    dynamodb.put_item(TableName="orders", Item={"id": {"S": "1"}})
    theirs, key = user("dynamodb"), {"id": {"S": "1"}}
    assert not may(theirs.get_item, TableName=table, Key=key)
    readable = letting_in({"AWS": stranger.account_id}, "dynamodb:*GetItem")
    dynamodb.put_resource_policy(ResourceArn=table, Policy=readable)
    assert theirs.get_item(TableName=table, Key=key)["Item"] == key
    assert theirs.batch_get_item(RequestItems={table: {"Keys": [key]}})["Responses"][table] == [key]
    assert not may(theirs.put_item, TableName=table, Item=key)


def test_a_repository_is_described_in_its_owners_registry(
    aws: Client, user: Client, stranger: Account, account: Account
) -> None:
    ecr = aws("ecr")
    ecr.create_repository(repositoryName="web")
    named = {"registryId": account.account_id, "repositoryNames": ["web"]}
    assert not may(user("ecr").describe_repositories, **named)
    ecr.set_repository_policy(
        repositoryName="web",
        policyText=policy(
            {"Effect": "Allow", "Principal": {"AWS": stranger.account_id}, "Action": "ecr:DescribeRepositories"}
        ),
    )
    found = user("ecr").describe_repositories(**named)["repositories"]
    assert [each["registryId"] for each in found] == [account.account_id]
    assert not may(user("ecr").delete_repository, registryId=account.account_id, repositoryName="web")


def test_a_role_is_assumed_where_both_sides_allow(aws: Client, user: Client, root: Client, stranger: Account) -> None:
    trust = policy({"Effect": "Allow", "Principal": {"AWS": stranger.account_id}, "Action": "sts:AssumeRole"})
    arn = aws("iam").create_role(RoleName="shared", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    assert may(user("sts").assume_role, RoleArn=arn, RoleSessionName="bob")
    assert may(root("sts").assume_role, RoleArn=arn, RoleSessionName="bob")
    root("iam").delete_user_policy(UserName="bob", PolicyName="everything")
    assert not may(user("sts").assume_role, RoleArn=arn, RoleSessionName="bob"), "its own account does not allow it"
