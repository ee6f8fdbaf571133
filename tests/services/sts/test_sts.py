"""STS: who am I, and credentials that pass."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from aws_api.core.clock import FixedClock
from aws_api.core.context import Principal, PrincipalType, root_of
from aws_api.core.invoke import invoke
from aws_api.services.sts.sessions import ExpiredToken, SessionStore, account_of_key_id, open_session

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def error_code(raised):
    return raised.value.response["Error"]["Code"]


def error_message(raised):
    return raised.value.response["Error"]["Message"]


def keys_of(credentials):
    return {
        "key": credentials["AccessKeyId"],
        "secret": credentials["SecretAccessKey"],
        "token": credentials["SessionToken"],
    }


def test_root_is_told_who_it_is(aws, account):
    identity = aws("sts").get_caller_identity()
    assert identity["Account"] == identity["UserId"] == account.account_id
    assert identity["Arn"] == f"arn:aws:iam::{account.account_id}:root"


def test_the_credentials_of_an_assumed_role_are_the_role(aws, account):
    role = aws("iam").create_role(RoleName="worker", AssumeRolePolicyDocument=TRUST)["Role"]
    assumed = aws("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="night")
    assert assumed["AssumedRoleUser"]["AssumedRoleId"] == f"{role['RoleId']}:night"
    credentials = assumed["Credentials"]
    assert credentials["AccessKeyId"].startswith("ASIA")
    identity = aws("sts", **keys_of(credentials)).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{account.account_id}:assumed-role/worker/night"
    assert identity["UserId"] == f"{role['RoleId']}:night"


def test_a_role_that_is_not_there_is_denied_without_saying_so(aws, account):
    arn = f"arn:aws:iam::{account.account_id}:role/nobody"
    with pytest.raises(ClientError) as raised:
        aws("sts").assume_role(RoleArn=arn, RoleSessionName="night")
    assert error_code(raised) == "AccessDenied"
    assert f"is not authorized to perform: sts:AssumeRole on resource: {arn}" in error_message(raised)


def test_a_service_assumes_a_role_in_process(aws, context):
    role = aws("iam").create_role(RoleName="task", AssumeRolePolicyDocument=TRUST)["Role"]
    service = Principal(
        type=PrincipalType.SERVICE,
        arn="ecs-tasks.amazonaws.com",
        account_id=context.account_id,
        user_id="ecs-tasks.amazonaws.com",
    )
    assumed = invoke(
        context.as_principal(service), "sts", "AssumeRole", {"RoleArn": role["Arn"], "RoleSessionName": "t" * 32}
    )
    identity = aws("sts", **keys_of(assumed["Credentials"])).get_caller_identity()
    assert identity["Arn"].endswith(f":assumed-role/task/{'t' * 32}")


def test_a_role_of_another_account_is_denied(aws):
    with pytest.raises(ClientError) as raised:
        aws("sts").assume_role(RoleArn="arn:aws:iam::999999999999:role/theirs", RoleSessionName="night")
    assert error_code(raised) == "AccessDenied"


def test_a_session_is_no_longer_than_its_role_allows(aws):
    role = aws("iam").create_role(RoleName="short", AssumeRolePolicyDocument=TRUST)["Role"]
    with pytest.raises(ClientError) as raised:
        aws("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="night", DurationSeconds=7200)
    assert "exceeds the MaxSessionDuration" in error_message(raised)


def test_a_session_policy_must_be_json(aws):
    role = aws("iam").create_role(RoleName="narrow", AssumeRolePolicyDocument=TRUST)["Role"]
    with pytest.raises(ClientError) as raised:
        aws("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="night", Policy="{")
    assert error_code(raised) == "MalformedPolicyDocument"


def test_managed_policies_travel_in_the_session(aws):
    role = aws("iam").create_role(RoleName="narrow", AssumeRolePolicyDocument=TRUST)["Role"]
    arns = [{"arn": f"arn:aws:iam::aws:policy/{name}"} for name in ("AmazonSQSFullAccess", "AmazonECS_FullAccess")]
    credentials = aws("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="night", PolicyArns=arns)["Credentials"]
    assert len(credentials["SessionToken"]) < 4096
    assert aws("sts", **keys_of(credentials)).get_caller_identity()["Arn"].endswith("/narrow/night")


def test_a_session_token_stands_for_the_user_itself(aws):
    before = aws("sts").get_caller_identity()
    credentials = aws("sts").get_session_token(DurationSeconds=900)["Credentials"]
    client = aws("sts", **keys_of(credentials))
    assert client.get_caller_identity()["Arn"] == before["Arn"]
    with pytest.raises(ClientError) as raised:
        client.get_session_token()
    assert error_code(raised) == "AccessDenied"


@pytest.mark.parametrize("token", [None, "", "x", "bm90IGEgdG9rZW4="])
def test_a_temporary_key_needs_its_own_token(aws, token):
    credentials = aws("sts").get_session_token()["Credentials"]
    with pytest.raises(ClientError) as raised:
        aws("sts", **{**keys_of(credentials), "token": token}).get_caller_identity()
    assert error_code(raised) == "InvalidClientTokenId"
    assert error_message(raised) == "The security token included in the request is invalid."


def test_a_token_does_not_serve_another_key(aws):
    first, second = (aws("sts").get_session_token()["Credentials"] for _ in range(2))
    with pytest.raises(ClientError) as raised:
        aws("sts", **{**keys_of(first), "token": second["SessionToken"]}).get_caller_identity()
    assert error_code(raised) == "InvalidClientTokenId"


async def test_a_session_ends_with_its_time():
    session = open_session(root_of("123456789012"), timedelta(minutes=15), NOW)
    just_before, at = (
        SessionStore(FixedClock(NOW + timedelta(minutes=15) + delta)) for delta in (timedelta(seconds=-1), timedelta())
    )
    credential = await just_before.find(session.access_key_id, session.session_token)
    assert credential is not None
    assert credential.secret_access_key == session.secret_access_key
    assert credential.principal.arn == "arn:aws:iam::123456789012:root"
    with pytest.raises(ExpiredToken, match="The security token included in the request is expired"):
        await at.find(session.access_key_id, session.session_token)


def test_a_key_tells_its_account(aws, account):
    client = aws("sts")
    assert client.get_access_key_info(AccessKeyId=account.root_access_key_id)["Account"] == account.account_id
    temporary = client.get_session_token()["Credentials"]["AccessKeyId"]
    assert client.get_access_key_info(AccessKeyId=temporary)["Account"] == account.account_id
    with pytest.raises(ClientError) as raised:
        client.get_access_key_info(AccessKeyId="AKIAAAAAAAAAAAAAAAAA")
    assert error_code(raised) == "ValidationError"


@pytest.mark.parametrize("account_id", ["000000000000", "000000000001", "123456789012", "999999999999"])
def test_the_account_in_a_key_id_is_read_back(account_id):
    key = open_session(root_of(account_id), timedelta(hours=1), NOW).access_key_id
    assert len(key) == 20
    assert account_of_key_id(key) == account_id
