"""Users' keys sign, until they are switched off."""

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from aws_api.core.models import Account


@pytest.fixture
def iam(aws):
    return aws("iam")


@pytest.fixture
def signer(iam, aws):
    """A user's key, and a client that signs with it."""
    iam.create_user(UserName="alice", Path="/team/")
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    return key, lambda service: aws(service, key=key["AccessKeyId"], secret=key["SecretAccessKey"])


def code(raised):
    return raised.value.response["Error"]["Code"]


def test_a_users_key_is_the_user(signer, account):
    _, client = signer
    identity = client("sts").get_caller_identity()
    assert identity["Arn"] == f"arn:aws:iam::{account.account_id}:user/team/alice"
    assert identity["UserId"].startswith("AIDA")


def test_a_key_of_the_wrong_secret_signs_nothing(signer, aws):
    key, _ = signer
    with pytest.raises(ClientError) as raised:
        aws("sts", key=key["AccessKeyId"], secret="wrong").get_caller_identity()
    assert code(raised) == "SignatureDoesNotMatch"


def test_a_key_that_is_switched_off_signs_nothing_until_it_is_on_again(signer, iam):
    key, client = signer
    client("sts").get_caller_identity()
    iam.update_access_key(UserName="alice", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    with pytest.raises(ClientError) as raised:
        client("sts").get_caller_identity()
    assert code(raised) == "InvalidClientTokenId"
    iam.update_access_key(UserName="alice", AccessKeyId=key["AccessKeyId"], Status="Active")
    client("sts").get_caller_identity()


def test_a_deleted_key_signs_nothing(signer, iam):
    key, client = signer
    client("sts").get_caller_identity()
    iam.delete_access_key(UserName="alice", AccessKeyId=key["AccessKeyId"])
    with pytest.raises(ClientError) as raised:
        client("sts").get_caller_identity()
    assert code(raised) == "InvalidClientTokenId"


def test_a_renamed_user_acts_under_the_new_name_at_once(signer, iam):
    _, client = signer
    client("sts").get_caller_identity()
    iam.update_user(UserName="alice", NewUserName="alicia", NewPath="/")
    assert client("sts").get_caller_identity()["Arn"].endswith(":user/alicia")


def test_the_root_key_of_a_deleted_account_signs_nothing(aws, account):
    aws("sts").get_caller_identity()
    Account.objects.get(pk=account.account_id).delete()
    with pytest.raises(ClientError) as raised:
        aws("sts").get_caller_identity()
    assert code(raised) == "InvalidClientTokenId"


def test_a_lasting_key_takes_no_token(aws):
    with pytest.raises(ClientError) as raised:
        aws("sts", token="stale").get_caller_identity()
    assert code(raised) == "InvalidClientTokenId"


def test_the_default_accounts_root_key_comes_from_the_settings(aws, settings):
    client = aws("sts", key=settings.SIMFRA_ROOT_ACCESS_KEY_ID, secret=settings.SIMFRA_ROOT_SECRET_ACCESS_KEY)
    assert client.get_caller_identity()["Account"] == settings.SIMFRA_DEFAULT_ACCOUNT_ID


def test_the_last_use_of_a_key_is_told(signer, iam):
    key, client = signer
    before = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert before["AccessKeyLastUsed"] == {"ServiceName": "N/A", "Region": "N/A"}
    client("sts").get_caller_identity()
    after = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert after["UserName"] == "alice"
    assert after["AccessKeyLastUsed"]["ServiceName"] == "sts"
    assert after["AccessKeyLastUsed"]["Region"] == "us-east-1"
    assert "LastUsedDate" in after["AccessKeyLastUsed"]


def test_a_user_has_at_most_two_keys(signer, iam):
    iam.create_access_key(UserName="alice")
    with pytest.raises(ClientError, match="Cannot exceed quota for AccessKeysPerUser: 2"):
        iam.create_access_key(UserName="alice")
    listed = iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]
    assert [set(key) for key in listed] == [{"UserName", "AccessKeyId", "Status", "CreateDate"}] * 2


def test_without_a_name_the_caller_is_meant(signer, iam):
    key, client = signer
    iam.attach_user_policy(UserName="alice", PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
    assert client("iam").get_user()["User"]["UserName"] == "alice"
    assert client("iam").list_access_keys()["AccessKeyMetadata"][0]["AccessKeyId"] == key["AccessKeyId"]


def test_root_must_name_a_user(iam, account):
    root = iam.get_user()["User"]
    assert abs(root.pop("CreateDate") - account.created_at) < timedelta(seconds=1)
    assert root == {"UserId": account.account_id, "Arn": f"arn:aws:iam::{account.account_id}:root"}
    with pytest.raises(ClientError, match="Must specify userName"):
        iam.create_access_key()


def test_a_key_that_is_not_there_is_said_so(iam):
    iam.create_user(UserName="bob")
    with pytest.raises(ClientError, match="The Access Key with id AKIAAAAAAAAAAAAAAAAA cannot be found"):
        iam.delete_access_key(UserName="bob", AccessKeyId="AKIAAAAAAAAAAAAAAAAA")
