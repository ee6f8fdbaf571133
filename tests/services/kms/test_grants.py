"""A grant allows its grantee its operations, under its constraints, until it is retired or revoked."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws_api.core.ids import new_account_id
from aws_api.core.models import Account
from tests.support.in_process import client


@pytest.fixture
def arn(kms: Any) -> str:
    """The ARN of a fresh symmetric key."""
    return str(kms.create_key()["KeyMetadata"]["Arn"])


@pytest.fixture
def bob(aws: Callable[..., Any]) -> Callable[..., Any]:
    """Clients of a user without permissions, with his ARN."""
    iam = aws("iam")
    iam.create_user(UserName="bob")
    key = iam.create_access_key(UserName="bob")["AccessKey"]
    return lambda service: aws(service, key=key["AccessKeyId"], secret=key["SecretAccessKey"])


@pytest.fixture
def bob_arn(account: Account) -> str:
    return f"arn:aws:iam::{account.account_id}:user/bob"


def may(call: Callable[..., Any], **request: Any) -> bool:
    try:
        call(**request)
    except ClientError as refusal:
        assert refusal.response["Error"]["Code"] == "AccessDeniedException", refusal
        return False
    return True


def test_a_grantee_may_what_the_grant_says_until_it_is_revoked(kms: Any, arn: str, bob: Any, bob_arn: str) -> None:
    theirs = bob("kms")
    assert not may(theirs.encrypt, KeyId=arn, Plaintext=b"x")
    grant = kms.create_grant(KeyId=arn, GranteePrincipal=bob_arn, Operations=["Encrypt", "DescribeKey"])
    assert may(theirs.encrypt, KeyId=arn, Plaintext=b"x")
    assert may(theirs.describe_key, KeyId=arn)
    blob = kms.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    assert not may(theirs.decrypt, CiphertextBlob=blob)
    kms.revoke_grant(KeyId=arn, GrantId=grant["GrantId"])
    assert not may(theirs.encrypt, KeyId=arn, Plaintext=b"x")


@pytest.mark.parametrize(
    ("constraint", "contexts"),
    [
        ("EncryptionContextEquals", ([{"a": "1"}], [{}, {"a": "2"}, {"a": "1", "b": "2"}])),
        ("EncryptionContextSubset", ([{"a": "1"}, {"a": "1", "b": "2"}], [{}, {"a": "2"}, {"b": "2"}])),
    ],
)
def test_a_constraint_is_on_the_encryption_context(
    kms: Any, arn: str, bob: Any, constraint: str, contexts: tuple[list[Any], list[Any]]
) -> None:
    allowed, refused = contexts
    kms.create_grant(
        KeyId=arn,
        GranteePrincipal=bob("sts").get_caller_identity()["Arn"],
        Operations=["GenerateDataKey", "Decrypt", "DescribeKey"],
        Constraints={constraint: {"a": "1"}},
    )
    theirs = bob("kms")
    for context in allowed:
        blob = theirs.generate_data_key(KeyId=arn, KeySpec="AES_256", EncryptionContext=context)["CiphertextBlob"]
        assert may(theirs.decrypt, CiphertextBlob=blob, EncryptionContext=context)
    for context in refused:
        assert not may(theirs.generate_data_key, KeyId=arn, KeySpec="AES_256", EncryptionContext=context)
    assert may(theirs.describe_key, KeyId=arn), "what has no encryption context is not constrained"


def test_an_explicit_deny_stands_above_a_grant(
    kms: Any, aws: Callable[..., Any], arn: str, bob: Any, bob_arn: str
) -> None:
    kms.create_grant(KeyId=arn, GranteePrincipal=bob_arn, Operations=["Encrypt"])
    denial = {"Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [denial]})
    aws("iam").put_user_policy(UserName="bob", PolicyName="own", PolicyDocument=document)
    assert not may(bob("kms").encrypt, KeyId=arn, Plaintext=b"x")


def test_a_grantee_hands_on_no_more_than_it_has(kms: Any, arn: str, bob: Any, bob_arn: str, account: Account) -> None:
    kms.create_grant(KeyId=arn, GranteePrincipal=bob_arn, Operations=["CreateGrant", "Encrypt"])
    root = f"arn:aws:iam::{account.account_id}:root"
    create = bob("kms").create_grant
    assert may(create, KeyId=arn, GranteePrincipal=root, Operations=["Encrypt"])
    assert not may(create, KeyId=arn, GranteePrincipal=root, Operations=["Encrypt", "Decrypt"])


def test_a_grant_is_retired_by_whom_it_names_by_its_token(kms: Any, arn: str, bob: Any, bob_arn: str) -> None:
    operations = {"KeyId": arn, "GranteePrincipal": bob_arn, "Operations": ["Encrypt"]}
    other = kms.create_grant(**operations)
    own = kms.create_grant(**operations, RetiringPrincipal=bob_arn)
    theirs = bob("kms")
    assert not may(theirs.retire_grant, GrantToken=other["GrantToken"])
    assert not may(theirs.retire_grant, KeyId=arn, GrantId=other["GrantId"])
    assert may(theirs.retire_grant, GrantToken=own["GrantToken"])
    assert [grant["GrantId"] for grant in kms.list_grants(KeyId=arn)["Grants"]] == [other["GrantId"]]


def test_a_grant_is_enough_for_another_accounts_user(gateway: Any, kms: Any, arn: str) -> None:
    other = Account.objects.create(account_id=new_account_id())
    iam = client(gateway, "iam", key=other.root_access_key_id, secret=other.root_secret_access_key)
    user_arn = iam.create_user(UserName="carol")["User"]["Arn"]
    key = iam.create_access_key(UserName="carol")["AccessKey"]
    carol = client(gateway, "kms", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    assert not may(carol.encrypt, KeyId=arn, Plaintext=b"x")
    kms.create_grant(KeyId=arn, GranteePrincipal=user_arn, Operations=["Encrypt"])
    assert carol.encrypt(KeyId=arn, Plaintext=b"x")["KeyId"] == arn


def test_the_tags_of_a_new_key_are_seen_by_conditions(aws: Callable[..., Any], bob: Any) -> None:
    statement = {
        "Effect": "Allow",
        "Action": ["kms:CreateKey", "kms:TagResource"],
        "Resource": "*",
        "Condition": {
            "StringEquals": {"aws:RequestTag/team": "orders"},
            "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]},
        },
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws("iam").put_user_policy(UserName="bob", PolicyName="own", PolicyDocument=document)
    create = bob("kms").create_key
    assert may(create, Tags=[{"TagKey": "team", "TagValue": "orders"}])
    assert not may(create, Tags=[{"TagKey": "team", "TagValue": "billing"}])
    assert not may(create, Tags=[{"TagKey": "team", "TagValue": "orders"}, {"TagKey": "b", "TagValue": "c"}])
    assert not may(create)
