"""Keys: making, describing, disabling, deleting; aliases, policies, rotation, grants, tags."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from aws_api.services.kms.models import Key
from tests.services.kms.test_encryption import code_of, message_of

NO_KEY = "11111111-2222-3333-4444-555555555555"


def test_a_new_key_is_described_as_aws_does(kms, account):
    metadata = kms.create_key(Description="orders", Tags=[{"TagKey": "team", "TagValue": "a"}])["KeyMetadata"]
    assert isinstance(metadata.pop("CreationDate"), datetime)
    assert len(metadata.pop("CurrentKeyMaterialId")) == 64
    key_id = metadata["KeyId"]
    assert metadata == {
        "AWSAccountId": account.account_id,
        "KeyId": key_id,
        "Arn": f"arn:aws:kms:us-east-1:{account.account_id}:key/{key_id}",
        "Enabled": True,
        "Description": "orders",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled",
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": False,
    }
    assert kms.list_resource_tags(KeyId=key_id)["Tags"] == [{"TagKey": "team", "TagValue": "a"}]
    kms.update_key_description(KeyId=key_id, Description="other")
    assert kms.describe_key(KeyId=key_id)["KeyMetadata"]["Description"] == "other"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"KeySpec": "RSA_2048"}, "You must specify a KeyUsage value"),
        ({"KeyUsage": "SIGN_VERIFY"}, "KeyUsage SIGN_VERIFY is not compatible with KeySpec SYMMETRIC_DEFAULT"),
        ({"KeySpec": "HMAC_256", "KeyUsage": "ENCRYPT_DECRYPT"}, "is not compatible with KeySpec HMAC_256"),
        ({"KeySpec": "RSA_2048", "CustomerMasterKeySpec": "RSA_2048"}, "in the same request"),
    ],
)
def test_specs_and_usages_that_do_not_go_together_are_refused(kms, members, message):
    with pytest.raises(ClientError, match=message) as error:
        kms.create_key(**members)
    assert code_of(error) == "ValidationException"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (NO_KEY, f"Key 'arn:aws:kms:us-east-1:{{}}:key/{NO_KEY}' does not exist"),
        ("alias/nothing", "Alias arn:aws:kms:us-east-1:{}:alias/nothing is not found."),
        ("nonsense", "Invalid keyId 'nonsense'"),
        (f"arn:aws:kms:eu-west-1:{{}}:key/{NO_KEY}", "Invalid arn eu-west-1"),
    ],
)
def test_what_is_not_there_is_not_found(kms, account, name, message):
    for call in (
        lambda name: kms.describe_key(KeyId=name),
        lambda name: kms.encrypt(KeyId=name, Plaintext=b"x"),
    ):
        with pytest.raises(ClientError) as error:
            call(name.format(account.account_id))
        assert code_of(error) == "NotFoundException"
        assert message_of(error) == message.format(account.account_id)


def test_a_disabled_key_is_not_used_until_it_is_enabled(kms, key_id):
    blob = kms.encrypt(KeyId=key_id, Plaintext=b"x")["CiphertextBlob"]
    kms.disable_key(KeyId=key_id)
    assert kms.describe_key(KeyId=key_id)["KeyMetadata"]["Enabled"] is False
    for call in (
        lambda: kms.encrypt(KeyId=key_id, Plaintext=b"x"),
        lambda: kms.decrypt(CiphertextBlob=blob),
        lambda: kms.generate_data_key(KeyId=key_id, KeySpec="AES_256"),
    ):
        with pytest.raises(ClientError, match=rf"key/{key_id} is disabled\.") as error:
            call()
        assert code_of(error) == "DisabledException"
    kms.enable_key(KeyId=key_id)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_a_key_waits_for_its_deletion_and_can_be_kept(kms, key_id):
    blob = kms.encrypt(KeyId=key_id, Plaintext=b"x")["CiphertextBlob"]
    answer = kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    assert answer["KeyState"] == "PendingDeletion"
    assert timedelta(days=6.9) < answer["DeletionDate"] - datetime.now(UTC) < timedelta(days=7.1)
    assert kms.describe_key(KeyId=key_id)["KeyMetadata"]["DeletionDate"] == answer["DeletionDate"]
    for call in (
        lambda: kms.decrypt(CiphertextBlob=blob),
        lambda: kms.enable_key(KeyId=key_id),
        lambda: kms.schedule_key_deletion(KeyId=key_id),
    ):
        with pytest.raises(ClientError, match="is pending deletion") as error:
            call()
        assert code_of(error) == "KMSInvalidStateException"
    kms.cancel_key_deletion(KeyId=key_id)
    assert kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"] == "Disabled"
    with pytest.raises(ClientError, match="is not pending deletion") as error:
        kms.cancel_key_deletion(KeyId=key_id)
    assert code_of(error) == "KMSInvalidStateException"


def test_after_its_window_a_key_is_gone_with_its_aliases(kms, key_id):
    kms.create_alias(AliasName="alias/gone", TargetKeyId=key_id)
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    Key.objects.filter(key_id=key_id).update(deletion_at=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(ClientError) as error:
        kms.describe_key(KeyId=key_id)
    assert code_of(error) == "NotFoundException"
    assert kms.list_keys()["Keys"] == []
    assert not Key.objects.filter(key_id=key_id).exists()
    assert kms.list_aliases()["Aliases"] == []


def test_keys_are_listed_in_pages(kms):
    made = {kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(5)}
    pages = list(kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["Keys"]) for page in pages] == [2, 2, 1]
    assert {key["KeyId"] for page in pages for key in page["Keys"]} == made
    with pytest.raises(ClientError) as error:
        kms.list_keys(Marker="nonsense")
    assert code_of(error) == "InvalidMarkerException"


def test_an_alias_points_where_it_was_last_pointed(kms, key_id):
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/app", TargetKeyId=key_id)
    assert kms.encrypt(KeyId="alias/app", Plaintext=b"x")["KeyId"].endswith(key_id)
    kms.update_alias(AliasName="alias/app", TargetKeyId=other)
    assert kms.encrypt(KeyId="alias/app", Plaintext=b"x")["KeyId"].endswith(other)
    (alias,) = kms.list_aliases(KeyId=other)["Aliases"]
    assert alias["TargetKeyId"] == other
    kms.delete_alias(AliasName="alias/app")
    with pytest.raises(ClientError, match="alias/app is not found") as error:
        kms.encrypt(KeyId="alias/app", Plaintext=b"x")
    assert code_of(error) == "NotFoundException"


def test_alias_names_are_taken_once_begin_with_alias_and_leave_awss_alone(kms, key_id):
    kms.create_alias(AliasName="alias/app", TargetKeyId=key_id)
    with pytest.raises(ClientError, match="alias/app already exists") as error:
        kms.create_alias(AliasName="alias/app", TargetKeyId=key_id)
    assert code_of(error) == "AlreadyExistsException"
    with pytest.raises(ClientError, match='must start with the prefix "alias/"') as error:
        kms.create_alias(AliasName="app", TargetKeyId=key_id)
    assert code_of(error) == "ValidationException"
    with pytest.raises(ClientError) as error:
        kms.create_alias(AliasName="alias/aws/mine", TargetKeyId=key_id)
    assert code_of(error) == "NotAuthorizedException"
    signing = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    with pytest.raises(ClientError, match="cannot be changed") as error:
        kms.update_alias(AliasName="alias/app", TargetKeyId=signing)
    assert code_of(error) == "ValidationException"


def test_awss_own_key_is_made_on_first_use_and_nobody_changes_it(kms):
    metadata = kms.describe_key(KeyId="alias/aws/secretsmanager")["KeyMetadata"]
    assert metadata["KeyManager"] == "AWS"
    assert kms.describe_key(KeyId="alias/aws/secretsmanager")["KeyMetadata"]["KeyId"] == metadata["KeyId"]
    assert kms.get_key_rotation_status(KeyId=metadata["KeyId"])["KeyRotationEnabled"] is True
    assert "ViaService" in kms.get_key_policy(KeyId=metadata["KeyId"])["Policy"]
    for call in (kms.disable_key, kms.schedule_key_deletion):
        with pytest.raises(ClientError) as error:
            call(KeyId=metadata["KeyId"])
        assert code_of(error) == "AccessDeniedException"
    with pytest.raises(ClientError) as error:
        kms.describe_key(KeyId="alias/aws/nothing")
    assert code_of(error) == "NotFoundException"


def test_a_key_policy_is_kept_as_it_was_put(kms, key_id, account):
    default = json.loads(kms.get_key_policy(KeyId=key_id)["Policy"])
    assert default["Statement"][0]["Principal"] == {"AWS": f"arn:aws:iam::{account.account_id}:root"}
    assert kms.list_key_policies(KeyId=key_id)["PolicyNames"] == ["default"]
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    kms.put_key_policy(KeyId=key_id, Policy=policy)
    assert kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"] == policy
    locking_out = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Action": "kms:Decrypt"}]})
    with pytest.raises(ClientError, match="will not allow you to update the key policy in the future") as error:
        kms.put_key_policy(KeyId=key_id, Policy=locking_out)
    assert code_of(error) == "MalformedPolicyDocumentException"
    kms.put_key_policy(KeyId=key_id, Policy=locking_out, BypassPolicyLockoutSafetyCheck=True)
    with pytest.raises(ClientError) as error:
        kms.create_key(Policy="nonsense")
    assert code_of(error) == "MalformedPolicyDocumentException"
    with pytest.raises(ClientError) as error:
        kms.get_key_policy(KeyId=key_id, PolicyName="other")
    assert code_of(error) == "NotFoundException"


def test_the_rotation_setting_is_kept(kms, key_id):
    assert kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"] is False
    kms.enable_key_rotation(KeyId=key_id, RotationPeriodInDays=90)
    status = kms.get_key_rotation_status(KeyId=key_id)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 90)
    assert timedelta(days=89) < status["NextRotationDate"] - datetime.now(UTC) < timedelta(days=91)
    kms.disable_key_rotation(KeyId=key_id)
    assert kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"] is False
    signing = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    with pytest.raises(ClientError) as error:
        kms.enable_key_rotation(KeyId=signing)
    assert code_of(error) == "UnsupportedOperationException"


def test_grants_are_made_once_a_name_listed_retired_and_revoked(kms, key_id, account):
    grantee = f"arn:aws:iam::{account.account_id}:role/worker"
    members = {
        "KeyId": key_id,
        "GranteePrincipal": grantee,
        "RetiringPrincipal": grantee,
        "Operations": ["Decrypt", "GenerateDataKey"],
        "Constraints": {"EncryptionContextSubset": {"a": "b"}},
        "Name": "worker",
    }
    made = kms.create_grant(**members)
    again = kms.create_grant(**members)
    assert (again["GrantId"], again["GrantToken"]) == (made["GrantId"], made["GrantToken"])
    (grant,) = kms.list_grants(KeyId=key_id)["Grants"]
    assert grant["Operations"] == ["Decrypt", "GenerateDataKey"]
    assert grant["Constraints"] == {"EncryptionContextSubset": {"a": "b"}}
    assert kms.list_retirable_grants(RetiringPrincipal=grantee)["Grants"][0]["GrantId"] == made["GrantId"]
    assert kms.list_grants(KeyId=key_id, GranteePrincipal="arn:aws:iam::1:role/other")["Grants"] == []
    kms.retire_grant(GrantToken=made["GrantToken"])
    assert kms.list_grants(KeyId=key_id)["Grants"] == []
    other = kms.create_grant(KeyId=key_id, GranteePrincipal=grantee, Operations=["Encrypt"])
    kms.revoke_grant(KeyId=key_id, GrantId=other["GrantId"])
    with pytest.raises(ClientError) as error:
        kms.revoke_grant(KeyId=key_id, GrantId=other["GrantId"])
    assert code_of(error) == "NotFoundException"
    with pytest.raises(ClientError) as error:
        kms.create_grant(KeyId=key_id, GranteePrincipal=grantee, Operations=["Sign"])
    assert code_of(error) == "ValidationException"
    with pytest.raises(ClientError) as error:
        kms.retire_grant(GrantToken="nonsense")
    assert code_of(error) == "InvalidGrantTokenException"


def test_tags_come_and_go(kms, key_id):
    kms.tag_resource(KeyId=key_id, Tags=[{"TagKey": "a", "TagValue": "1"}, {"TagKey": "b", "TagValue": "2"}])
    kms.tag_resource(KeyId=key_id, Tags=[{"TagKey": "a", "TagValue": "3"}])
    kms.untag_resource(KeyId=key_id, TagKeys=["b", "c"])
    assert kms.list_resource_tags(KeyId=key_id)["Tags"] == [{"TagKey": "a", "TagValue": "3"}]
    with pytest.raises(ClientError) as error:
        kms.tag_resource(KeyId=key_id, Tags=[{"TagKey": "aws:x", "TagValue": "1"}])
    assert code_of(error) == "TagException"


def test_a_multi_region_key_is_its_own_primary(kms):
    metadata = kms.create_key(MultiRegion=True)["KeyMetadata"]
    assert metadata["KeyId"].startswith("mrk-")
    assert metadata["MultiRegionConfiguration"]["PrimaryKey"] == {"Arn": metadata["Arn"], "Region": "us-east-1"}


async def test_a_permission_on_an_alias_is_one_on_its_key(kms, key_id, context):
    from aws_api.core.invoke import find_operation

    kms.create_alias(AliasName="alias/app", TargetKeyId=key_id)
    arn = f"arn:aws:kms:us-east-1:{context.account_id}:key/{key_id}"
    blob = kms.encrypt(KeyId=key_id, Plaintext=b"x")["CiphertextBlob"]
    needed = await _needed(find_operation("kms", "Encrypt"), context, {"KeyId": "alias/app"})
    assert needed == [("kms:Encrypt", arn, {"kms:RequestAlias": "alias/app"})]
    request = {"CiphertextBlob": blob, "EncryptionContext": {"a": "b"}}
    keys = {"kms:EncryptionContext:a": "b", "kms:EncryptionContextKeys": ["a"]}
    assert await _needed(find_operation("kms", "Decrypt"), context, request) == [("kms:Decrypt", arn, keys)]


async def _needed(operation, context, request):
    import asyncio

    from aws_api.core.execution import process_loop
    from aws_api.core.service import get_service

    service = get_service("kms")
    needed = asyncio.run_coroutine_threadsafe(service.needed_access(operation, context, request), process_loop())
    return list(await asyncio.wrap_future(needed))
