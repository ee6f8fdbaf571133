"""Secrets: making, naming, reading, updating, deleting, restoring; policies, tags, lists, passwords."""

import json
import re
import string
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError
from django.db import connection

from aws_api.services.secretsmanager.models import Secret

VALUE = "correct horse battery staple"


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def message_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Message"])


def test_a_secret_is_read_as_it_was_made(secrets, account):
    made = secrets.create_secret(Name="prod/db", SecretString=VALUE, Description="d")
    assert re.fullmatch(
        rf"arn:aws:secretsmanager:us-east-1:{account.account_id}:secret:prod/db-[A-Za-z0-9]{{6}}", made["ARN"]
    )
    found = secrets.get_secret_value(SecretId="prod/db")
    assert isinstance(found.pop("CreatedDate"), datetime)
    del found["ResponseMetadata"]
    assert found == {
        "ARN": made["ARN"],
        "Name": "prod/db",
        "VersionId": made["VersionId"],
        "SecretString": VALUE,
        "VersionStages": ["AWSCURRENT"],
    }


def test_a_binary_secret_stays_binary(secrets):
    secrets.create_secret(Name="blob", SecretBinary=b"\x00\xff")
    found = secrets.get_secret_value(SecretId="blob")
    assert found["SecretBinary"] == b"\x00\xff"
    assert "SecretString" not in found


def test_a_secret_is_named_by_name_arn_or_arn_without_its_random_end(secrets):
    arn = secrets.create_secret(Name="prod/db", SecretString=VALUE)["ARN"]
    for secret_id in ("prod/db", arn, arn[:-7]):
        assert secrets.get_secret_value(SecretId=secret_id)["SecretString"] == VALUE
        assert secrets.describe_secret(SecretId=secret_id)["ARN"] == arn
    for wrong in (
        "other",
        arn[:-1] + ("a" if arn[-1] != "a" else "b"),
        arn[:-9],
        arn.replace("us-east-1", "eu-west-1"),
    ):
        for call in (secrets.get_secret_value, secrets.describe_secret):
            with pytest.raises(ClientError) as error:
                call(SecretId=wrong)
            assert code_of(error) == "ResourceNotFoundException"
            assert message_of(error) == "Secrets Manager can't find the specified secret."


def test_a_name_that_ends_like_an_arn_is_found_by_its_shortened_arn(secrets):
    arn = secrets.create_secret(Name="db-abcdef", SecretString=VALUE)["ARN"]
    assert secrets.get_secret_value(SecretId=arn[:-7])["Name"] == "db-abcdef"
    assert secrets.describe_secret(SecretId=arn[:-7])["Name"] == "db-abcdef"


def test_another_accounts_secret_is_denied(secrets):
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:x-abcdef"
    with pytest.raises(ClientError) as error:
        secrets.get_secret_value(SecretId=arn)
    assert code_of(error) == "AccessDeniedException"


def test_a_name_is_taken_once_unless_the_token_says_it_is_the_same_request(secrets):
    token = "a" * 32
    made = secrets.create_secret(Name="s", SecretString=VALUE, ClientRequestToken=token)
    again = secrets.create_secret(Name="s", SecretString=VALUE, ClientRequestToken=token)
    assert (again["ARN"], again["VersionId"]) == (made["ARN"], token)
    for members in ({"ClientRequestToken": token, "SecretString": "other"}, {"SecretString": VALUE}):
        with pytest.raises(ClientError, match="the secret s already exists") as error:
            secrets.create_secret(Name="s", **members)
        assert code_of(error) == "ResourceExistsException"


@pytest.mark.parametrize(
    ("members", "code", "message"),
    [
        ({"Name": "with space"}, "ValidationException", "Invalid name"),
        ({"Name": "s", "SecretString": "a", "SecretBinary": b"b"}, "InvalidParameterException", "both a binary"),
        ({"Name": "s", "Tags": [{"Key": "aws:a", "Value": "b"}]}, "InvalidParameterException", "reserved"),
        ({"Name": "s", "SecretString": "a", "KmsKeyId": "alias/nothing"}, "EncryptionFailure", "can't encrypt"),
    ],
)
def test_secrets_that_cannot_be_are_refused(secrets, members, code, message):
    with pytest.raises(ClientError, match=message) as error:
        secrets.create_secret(**members)
    assert code_of(error) == code
    assert secrets.list_secrets()["SecretList"] == []


def test_a_secret_without_a_value_waits_for_one(secrets):
    assert "VersionId" not in secrets.create_secret(Name="empty")
    with pytest.raises(ClientError) as error:
        secrets.get_secret_value(SecretId="empty")
    assert code_of(error) == "ResourceNotFoundException"
    assert message_of(error) == ("Secrets Manager can't find the specified secret value for staging label: AWSCURRENT")
    with pytest.raises(ClientError, match="You must provide either SecretString or SecretBinary") as error:
        secrets.put_secret_value(SecretId="empty")
    assert code_of(error) == "InvalidRequestException"
    put = secrets.put_secret_value(SecretId="empty", SecretString=VALUE, VersionStages=["MINE"])
    assert sorted(put["VersionStages"]) == ["AWSCURRENT", "MINE"]


def test_updating_changes_what_is_given_alone(secrets):
    first = secrets.create_secret(Name="s", SecretString=VALUE, Description="d")["VersionId"]
    assert "VersionId" not in secrets.update_secret(SecretId="s", Description="other")
    described = secrets.describe_secret(SecretId="s")
    assert (described["Description"], described["VersionIdsToStages"]) == ("other", {first: ["AWSCURRENT"]})
    second = secrets.update_secret(SecretId="s", SecretString="new")["VersionId"]
    assert secrets.describe_secret(SecretId="s")["VersionIdsToStages"] == {
        first: ["AWSPREVIOUS"],
        second: ["AWSCURRENT"],
    }


def test_a_deleted_secret_waits_and_can_be_restored(secrets):
    arn = secrets.create_secret(Name="s", SecretString=VALUE)["ARN"]
    answer = secrets.delete_secret(SecretId="s", RecoveryWindowInDays=7)
    assert timedelta(days=6.9) < answer["DeletionDate"] - datetime.now(UTC) < timedelta(days=7.1)
    for call in (
        lambda: secrets.get_secret_value(SecretId="s"),
        lambda: secrets.put_secret_value(SecretId="s", SecretString="x"),
        lambda: secrets.update_secret(SecretId=arn, Description="x"),
        lambda: secrets.tag_resource(SecretId="s", Tags=[{"Key": "a", "Value": "b"}]),
    ):
        with pytest.raises(ClientError) as error:
            call()
        assert code_of(error) == "InvalidRequestException"
        assert message_of(error) == (
            "You can't perform this operation on the secret because it was marked for deletion."
        )
    with pytest.raises(ClientError, match="already scheduled for deletion") as error:
        secrets.create_secret(Name="s", SecretString=VALUE)
    assert code_of(error) == "InvalidRequestException"
    with pytest.raises(ClientError, match="already scheduled for deletion"):
        secrets.delete_secret(SecretId="s")
    assert secrets.list_secrets()["SecretList"] == []
    (listed,) = secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"]
    assert listed["DeletedDate"] == secrets.describe_secret(SecretId="s")["DeletedDate"] == answer["DeletionDate"]
    secrets.restore_secret(SecretId="s")
    assert secrets.get_secret_value(SecretId="s")["SecretString"] == VALUE
    assert "DeletedDate" not in secrets.describe_secret(SecretId="s")


def test_after_its_window_a_secret_is_gone_and_its_name_is_free(secrets, account):
    arn = secrets.create_secret(Name="s", SecretString=VALUE)["ARN"]
    secrets.delete_secret(SecretId="s")
    Secret.objects.filter(account_id=account.account_id).update(deletion_at=datetime.now(UTC) - timedelta(seconds=1))
    for call in (secrets.get_secret_value, secrets.describe_secret, secrets.restore_secret):
        with pytest.raises(ClientError) as error:
            call(SecretId="s")
        assert code_of(error) == "ResourceNotFoundException"
    assert secrets.create_secret(Name="s", SecretString="new")["ARN"] != arn


def test_a_forced_deletion_is_at_once_and_never_misses(secrets):
    first = secrets.create_secret(Name="s", SecretString=VALUE)["ARN"]
    secrets.delete_secret(SecretId="s", ForceDeleteWithoutRecovery=True)
    with pytest.raises(ClientError) as error:
        secrets.get_secret_value(SecretId="s")
    assert code_of(error) == "ResourceNotFoundException"
    assert secrets.delete_secret(SecretId="s", ForceDeleteWithoutRecovery=True)["Name"] == "s"
    second = secrets.create_secret(Name="s", SecretString="new")["ARN"]
    assert first != second
    with pytest.raises(ClientError):
        secrets.get_secret_value(SecretId=first)


@pytest.mark.parametrize(
    "members",
    [
        {"RecoveryWindowInDays": 6},
        {"RecoveryWindowInDays": 31},
        {"RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": True},
    ],
)
def test_recovery_windows_that_cannot_be_are_refused(secrets, members):
    secrets.create_secret(Name="s")
    with pytest.raises(ClientError) as error:
        secrets.delete_secret(SecretId="s", **members)
    assert code_of(error) == "InvalidParameterException"


def test_the_rows_hold_no_secret_in_plain(secrets, account):
    secrets.create_secret(Name="s", SecretString=VALUE)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT secret::text || version::text FROM secretsmanager_secretversion AS version "
            "JOIN secretsmanager_secret AS secret ON secret.id = secret_id WHERE account_id = %s",
            [account.account_id],
        )
        ((row,),) = cursor.fetchall()
    assert VALUE not in row
    assert VALUE.encode().hex() not in row


def test_a_customers_key_is_used_and_missed_when_it_is_disabled(secrets, kms):
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    secrets.create_secret(Name="s", SecretString=VALUE, KmsKeyId=key_id)
    assert secrets.describe_secret(SecretId="s")["KmsKeyId"] == key_id
    assert secrets.get_secret_value(SecretId="s")["SecretString"] == VALUE
    kms.disable_key(KeyId=key_id)
    with pytest.raises(ClientError) as error:
        secrets.get_secret_value(SecretId="s")
    assert code_of(error) == "DecryptionFailure"
    with pytest.raises(ClientError) as error:
        secrets.put_secret_value(SecretId="s", SecretString="x")
    assert code_of(error) == "EncryptionFailure"


def test_a_changed_key_encrypts_what_is_there_anew(secrets, kms):
    secrets.create_secret(Name="s", SecretString=VALUE)
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    secrets.update_secret(SecretId="s", KmsKeyId=key_id)
    assert secrets.get_secret_value(SecretId="s")["SecretString"] == VALUE
    (version,) = secrets.list_secret_version_ids(SecretId="s")["Versions"]
    assert version["KmsKeyIds"] == [key_id]


def test_a_resource_policy_is_kept_as_it_was_put(secrets, account):
    secrets.create_secret(Name="s")
    assert "ResourcePolicy" not in secrets.get_resource_policy(SecretId="s")
    assert secrets.list_resource_policies(SecretId="s")["ResourcePolicies"] == []
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account.account_id}:root"},
        "Action": "secretsmanager:GetSecretValue",
        "Resource": "*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    public = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Principal": "*"}]})
    secrets.put_resource_policy(SecretId="s", ResourcePolicy=policy, BlockPublicPolicy=True)
    assert secrets.get_resource_policy(SecretId="s")["ResourcePolicy"] == policy
    assert secrets.list_resource_policies(SecretId="s")["ResourcePolicies"] == [{"PolicyName": "default"}]
    with pytest.raises(ClientError) as error:
        secrets.put_resource_policy(SecretId="s", ResourcePolicy=public, BlockPublicPolicy=True)
    assert code_of(error) == "PublicPolicyException"
    with pytest.raises(ClientError) as error:
        secrets.put_resource_policy(SecretId="s", ResourcePolicy="{}")
    assert code_of(error) == "MalformedPolicyDocumentException"
    assert secrets.validate_resource_policy(ResourcePolicy=policy)["PolicyValidationPassed"] is True
    for wrong in (public, "nonsense"):
        assert secrets.validate_resource_policy(ResourcePolicy=wrong)["PolicyValidationPassed"] is False
    secrets.delete_resource_policy(SecretId="s")
    assert "ResourcePolicy" not in secrets.get_resource_policy(SecretId="s")


def test_tags_come_and_go(secrets):
    secrets.create_secret(Name="s", Tags=[{"Key": "a", "Value": "1"}])
    secrets.tag_resource(SecretId="s", Tags=[{"Key": "b", "Value": "2"}])
    secrets.untag_resource(SecretId="s", TagKeys=["a", "none"])
    assert secrets.describe_secret(SecretId="s")["Tags"] == [{"Key": "b", "Value": "2"}]


def test_a_rotation_schedule_is_kept_and_a_function_refused(secrets):
    secrets.create_secret(Name="s", SecretString=VALUE)
    with pytest.raises(ClientError, match="No Lambda rotation function ARN is associated") as error:
        secrets.rotate_secret(SecretId="s")
    assert code_of(error) == "InvalidRequestException"
    with pytest.raises(ClientError, match="does not emulate Lambda yet") as error:
        secrets.rotate_secret(SecretId="s", RotationLambdaARN="arn:aws:lambda:us-east-1:1:function:rotate")
    assert code_of(error) == "NotImplemented"
    with pytest.raises(ClientError) as error:
        secrets.rotate_secret(SecretId="s", RotationRules={"ScheduleExpression": "whenever"})
    assert code_of(error) == "InvalidParameterException"
    secrets.rotate_secret(SecretId="s", RotationRules={"AutomaticallyAfterDays": 30})
    described = secrets.describe_secret(SecretId="s")
    assert (described["RotationEnabled"], described["RotationRules"]) == (True, {"AutomaticallyAfterDays": 30})
    assert timedelta(days=29) < described["NextRotationDate"] - datetime.now(UTC) < timedelta(days=31)
    secrets.cancel_rotate_secret(SecretId="s")
    assert "NextRotationDate" not in secrets.describe_secret(SecretId="s")


def test_replication_is_a_status_of_the_secret(secrets):
    made = secrets.create_secret(Name="s", AddReplicaRegions=[{"Region": "eu-west-1"}])
    assert made["ReplicationStatus"] == [
        {"Region": "eu-west-1", "KmsKeyId": "alias/aws/secretsmanager", "Status": "InSync"}
    ]
    secrets.replicate_secret_to_regions(SecretId="s", AddReplicaRegions=[{"Region": "eu-west-2"}])
    with pytest.raises(ClientError, match="replica regions") as error:
        secrets.delete_secret(SecretId="s")
    assert code_of(error) == "InvalidRequestException"
    left = secrets.remove_regions_from_replication(SecretId="s", RemoveReplicaRegions=["eu-west-1"])
    assert [replica["Region"] for replica in left["ReplicationStatus"]] == ["eu-west-2"]
    assert secrets.describe_secret(SecretId="s")["PrimaryRegion"] == "us-east-1"
    with pytest.raises(ClientError) as error:
        secrets.replicate_secret_to_regions(SecretId="s", AddReplicaRegions=[{"Region": "us-east-1"}])
    assert code_of(error) == "InvalidParameterException"
    with pytest.raises(ClientError) as error:
        secrets.stop_replication_to_replica(SecretId="s")
    assert code_of(error) == "InvalidRequestException"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([{"Key": "name", "Values": ["prod/"]}], {"prod/db", "prod/api"}),
        ([{"Key": "name", "Values": ["!prod/"]}], {"test/db"}),
        ([{"Key": "name", "Values": ["prod/", "!prod/db"]}], {"prod/api"}),
        ([{"Key": "description", "Values": ["MAIN"]}], {"prod/db"}),
        ([{"Key": "tag-key", "Values": ["team"]}], {"prod/api", "test/db"}),
        ([{"Key": "tag-value", "Values": ["a"]}], {"prod/api"}),
        ([{"Key": "tag-key", "Values": ["team"]}, {"Key": "name", "Values": ["test"]}], {"test/db"}),
        ([{"Key": "all", "Values": ["db"]}], {"prod/db", "test/db"}),
        ([{"Key": "owning-service", "Values": ["rds"]}], set()),
    ],
)
def test_filters_choose_secrets(secrets, filters, expected):
    secrets.create_secret(Name="prod/db", SecretString="1", Description="the main database")
    secrets.create_secret(Name="prod/api", SecretString="2", Tags=[{"Key": "team", "Value": "a"}])
    secrets.create_secret(Name="test/db", SecretString="3", Tags=[{"Key": "team", "Value": "b"}])
    assert {each["Name"] for each in secrets.list_secrets(Filters=filters)["SecretList"]} == expected
    batch = secrets.batch_get_secret_value(Filters=filters)
    assert {each["Name"] for each in batch["SecretValues"]} == expected


def test_lists_are_sorted_and_come_in_pages(secrets):
    for name in ("b", "c", "a"):
        secrets.create_secret(Name=name)
    assert [each["Name"] for each in secrets.list_secrets()["SecretList"]] == ["b", "c", "a"]
    by_name = secrets.list_secrets(SortBy="name", SortOrder="desc")["SecretList"]
    assert [each["Name"] for each in by_name] == ["c", "b", "a"]
    pages = secrets.get_paginator("list_secrets").paginate(PaginationConfig={"PageSize": 2})
    assert [len(page["SecretList"]) for page in pages] == [2, 1]
    with pytest.raises(ClientError) as error:
        secrets.list_secrets(NextToken="nonsense")
    assert code_of(error) == "InvalidNextTokenException"


def test_a_batch_answers_what_it_can_and_says_what_it_cannot(secrets):
    arn = secrets.create_secret(Name="a", SecretString="1")["ARN"]
    secrets.create_secret(Name="b", SecretString="2")
    secrets.delete_secret(SecretId="b")
    answer = secrets.batch_get_secret_value(SecretIdList=[arn, "b", "c"])
    assert [(each["Name"], each["SecretString"]) for each in answer["SecretValues"]] == [("a", "1")]
    assert [(each["SecretId"], each["ErrorCode"]) for each in answer["Errors"]] == [
        ("b", "InvalidRequestException"),
        ("c", "ResourceNotFoundException"),
    ]
    for members in ({}, {"SecretIdList": ["a"], "Filters": [{"Key": "name", "Values": ["a"]}]}):
        with pytest.raises(ClientError) as error:
            secrets.batch_get_secret_value(**members)
        assert code_of(error) == "InvalidParameterException"


def test_the_day_of_the_last_access_is_kept(secrets):
    secrets.create_secret(Name="s", SecretString=VALUE)
    assert "LastAccessedDate" not in secrets.describe_secret(SecretId="s")
    secrets.get_secret_value(SecretId="s")
    today = datetime.now(UTC).date()
    assert secrets.describe_secret(SecretId="s")["LastAccessedDate"].astimezone(UTC).date() == today


def password(secrets, **members):
    return secrets.get_random_password(**members)["RandomPassword"]


def test_random_passwords_are_as_asked_for(secrets):
    default = password(secrets)
    assert len(default) == 32
    assert default != password(secrets)
    for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits, string.punctuation):
        assert set(default) & set(kind)
    digits = password(
        secrets, PasswordLength=100, ExcludeLowercase=True, ExcludeUppercase=True, ExcludePunctuation=True
    )
    assert set(digits) <= set(string.digits)
    assert not set(password(secrets, PasswordLength=500, ExcludeCharacters="aeiou\"'")) & set("aeiou\"'")
    assert " " in password(secrets, IncludeSpace=True)
    assert len(password(secrets, PasswordLength=1, RequireEachIncludedType=False)) == 1
    for members in (
        {"PasswordLength": 3},
        {"ExcludeLowercase": True, "ExcludeUppercase": True, "ExcludeNumbers": True, "ExcludePunctuation": True},
    ):
        with pytest.raises(ClientError) as error:
            password(secrets, **members)
        assert code_of(error) == "InvalidParameterException"
