"""A replica in another account is as its primary, once both owners want it, and until one of them does not."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws_api.core.ids import new_account_id
from aws_api.core.models import Account
from tests.services.secretsmanager.test_secrets import code_of
from tests.support.in_process import client


@pytest.fixture
def other(gateway: Any, database: None) -> Callable[[str], Any]:
    """Clients of the account that is to have the replica."""
    account = Account.objects.create(account_id=new_account_id())
    keys = {"key": account.root_access_key_id, "secret": account.root_secret_access_key}
    return lambda service: client(gateway, service, **keys)


@pytest.fixture
def key(other: Callable[[str], Any], account: Account) -> str:
    """A key of that account, which the primary's account may encrypt with."""
    kms = other("kms")
    arn: str = kms.create_key()["KeyMetadata"]["Arn"]
    let(kms, arn, account.account_id)
    return arn


def let(kms: Any, key_arn: str, account_id: str | None) -> None:
    owner = key_arn.split(":")[4]
    may = [(owner, "kms:*"), *([(account_id, "kms:Encrypt")] if account_id else [])]
    statements = [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{who}:root"}, "Action": action, "Resource": "*"}
        for who, action in may
    ]
    kms.put_key_policy(KeyId=key_arn, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))


@pytest.fixture
def primary(secrets: Any) -> str:
    arn: str = secrets.create_secret(Name="db", SecretString="first", ClientRequestToken="1" * 32)["ARN"]
    return arn


@pytest.fixture
def replica(other: Callable[[str], Any], primary: str, key: str) -> str:
    made = other("secretsmanager").create_secret(Name="of-db", CrossAccountPrimaryARN=primary, KmsKeyId=key)
    arn: str = made["ARN"]
    return arn


def refusal(call: Callable[..., Any], **request: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**request)
    return code_of(raised)


def test_a_replica_is_kept_as_its_primary(secrets, other, primary, replica):
    there = other("secretsmanager")
    assert there.describe_secret(SecretId="of-db")["CrossAccountPrimary"] == {
        "PrimarySecretARN": primary,
        "ReplicationStatus": "Pending",
    }
    assert refusal(there.get_secret_value, SecretId="of-db") == "ResourceNotFoundException"
    associated = secrets.associate_cross_account_replica(SecretId="db", CrossAccountReplicaARN=replica)
    assert associated["ReplicationStatus"] == "InSync"
    assert there.get_secret_value(SecretId="of-db")["SecretString"] == "first"
    assert secrets.describe_secret(SecretId="db")["CrossAccountReplicas"] == [
        {"ReplicaSecretARN": replica, "ReplicationStatus": "InSync"}
    ]
    secrets.put_secret_value(SecretId="db", SecretString="second", ClientRequestToken="2" * 32)
    assert there.get_secret_value(SecretId="of-db")["VersionId"] == "2" * 32
    assert there.get_secret_value(SecretId="of-db", VersionStage="AWSPREVIOUS")["SecretString"] == "first"
    secrets.update_secret(SecretId="db", SecretBinary=b"third", ClientRequestToken="3" * 32)
    assert there.get_secret_value(SecretId="of-db")["SecretBinary"] == b"third"
    secrets.update_secret_version_stage(
        SecretId="db", VersionStage="AWSCURRENT", MoveToVersionId="2" * 32, RemoveFromVersionId="3" * 32
    )
    assert there.get_secret_value(SecretId="of-db")["SecretString"] == "second"
    stages = [
        client.describe_secret(SecretId=name)["VersionIdsToStages"]
        for client, name in ((secrets, "db"), (there, "of-db"))
    ]
    assert stages[0] == stages[1]
    # Calling it again is a repair, not an error.
    assert secrets.associate_cross_account_replica(SecretId="db", CrossAccountReplicaARN=replica)


def test_nobody_writes_a_replicas_value(secrets, other, primary, replica):
    there = other("secretsmanager")
    for call, request in (
        (there.put_secret_value, {"SecretString": "own"}),
        (there.update_secret, {"SecretString": "own"}),
        (there.update_secret_version_stage, {"VersionStage": "mine", "MoveToVersionId": "1" * 32}),
        (there.rotate_secret, {"RotationRules": {"AutomaticallyAfterDays": 1}}),
        (there.delete_secret, {}),
        (there.delete_secret, {"ForceDeleteWithoutRecovery": True}),
    ):
        assert refusal(call, SecretId="of-db", **request) == "InvalidRequestException"


def test_the_policy_that_lets_the_primary_in_is_awss(other, account, replica):
    there = other("secretsmanager")
    assert there.list_resource_policies(SecretId="of-db")["ResourcePolicies"] == [
        {"PolicyName": "cross-account-replication"}
    ]
    policy = there.get_resource_policy(SecretId="of-db", PolicyName="cross-account-replication")["ResourcePolicy"]
    [statement] = json.loads(policy)["Statement"]
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{account.account_id}:root"}
    assert statement["Action"] == "secretsmanager:AcceptCrossAccountReplication"
    named = {"SecretId": "of-db", "PolicyName": "cross-account-replication"}
    assert refusal(there.delete_resource_policy, **named) == "InvalidParameterException"
    assert refusal(there.put_resource_policy, **named, ResourcePolicy=policy) == "InvalidParameterException"
    unknown = {"SecretId": "of-db", "PolicyName": "other"}
    assert refusal(there.get_resource_policy, **unknown) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "wrong",
    [
        {"SecretString": "x"},
        {"Description": "x"},
        {"AddReplicaRegions": [{"Region": "eu-west-1"}]},
        {"KmsKeyId": ""},
        {"KmsKeyId": "alias/aws/secretsmanager"},
        {"CrossAccountPrimaryARN": "arn:aws:secretsmanager:eu-west-1:000000000001:secret:db-abcdef"},
        {"CrossAccountPrimaryARN": "arn:aws:sqs:us-east-1:000000000001:queue"},
    ],
)
def test_what_can_be_no_replica_is_refused(other, primary, key, wrong):
    there = other("secretsmanager")
    there.create_secret(Name="makes-the-managed-key", SecretString="x")
    request = {"Name": "of-db", "CrossAccountPrimaryARN": primary, "KmsKeyId": key, **wrong}
    request = {member: value for member, value in request.items() if value}
    assert refusal(there.create_secret, **request) == "InvalidParameterException"


def test_both_owners_must_want_it(secrets, other, primary, replica, key):
    there = other("secretsmanager")
    unwilling = there.create_secret(Name="own", SecretString="x", KmsKeyId=key)["ARN"]
    code = refusal(secrets.associate_cross_account_replica, SecretId="db", CrossAccountReplicaARN=unwilling)
    assert code == "AccessDeniedException"
    secrets.create_secret(Name="another", SecretString="x")
    code = refusal(secrets.associate_cross_account_replica, SecretId="another", CrossAccountReplicaARN=replica)
    assert code == "InvalidRequestException"
    code = refusal(secrets.associate_cross_account_replica, SecretId="db", CrossAccountReplicaARN=primary)
    assert code == "InvalidParameterException"
    code = refusal(secrets.disassociate_cross_account_replica, SecretId="db", CrossAccountReplicaARN=replica)
    assert code == "InvalidRequestException"
    secrets.associate_cross_account_replica(SecretId="db", CrossAccountReplicaARN=replica)
    second = there.create_secret(Name="second", CrossAccountPrimaryARN=primary, KmsKeyId=key)["ARN"]
    code = refusal(secrets.associate_cross_account_replica, SecretId="db", CrossAccountReplicaARN=second)
    assert code == "LimitExceededException"
    assert refusal(secrets.delete_secret, SecretId="db") == "InvalidRequestException"


def test_a_key_that_may_not_be_used_fails_the_replication_and_not_the_write(secrets, other, account, replica, key):
    let(other("kms"), key, None)
    code = refusal(secrets.associate_cross_account_replica, SecretId="db", CrossAccountReplicaARN=replica)
    assert code == "AccessDeniedException"
    assert "CrossAccountReplicas" not in secrets.describe_secret(SecretId="db")
    let(other("kms"), key, account.account_id)
    secrets.associate_cross_account_replica(SecretId="db", CrossAccountReplicaARN=replica)
    let(other("kms"), key, None)
    secrets.put_secret_value(SecretId="db", SecretString="second")
    assert secrets.get_secret_value(SecretId="db")["SecretString"] == "second"
    there = other("secretsmanager")
    assert there.get_secret_value(SecretId="of-db")["SecretString"] == "first"
    [entry] = secrets.describe_secret(SecretId="db")["CrossAccountReplicas"]
    assert entry["ReplicationStatus"] == "Failed"
    assert entry["StatusMessage"] == "Access to KMS is not allowed"
    assert there.describe_secret(SecretId="of-db")["CrossAccountPrimary"]["ReplicationStatus"] == "Failed"
    let(other("kms"), key, account.account_id)
    secrets.associate_cross_account_replica(SecretId="db", CrossAccountReplicaARN=replica)
    assert there.get_secret_value(SecretId="of-db")["SecretString"] == "second"
    assert "StatusMessage" not in secrets.describe_secret(SecretId="db")["CrossAccountReplicas"][0]


def test_a_role_replicates_for_callers_who_may_not(secrets, other, aws, replica, key):
    iam = aws("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "secretsmanager.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName="replicates", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    allowed = {"Effect": "Allow", "Action": ["kms:Encrypt", "kms:Decrypt"], "Resource": "*"}
    iam.put_role_policy(
        RoleName="replicates",
        PolicyName="keys",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )
    secrets.associate_cross_account_replica(
        SecretId="db", CrossAccountReplicaARN=replica, ReplicationRoleARN=role, ReplicaRestriction="NoRestriction"
    )
    iam.create_user(UserName="writer")
    pair = iam.create_access_key(UserName="writer")["AccessKey"]
    writes = {"Effect": "Allow", "Action": "secretsmanager:PutSecretValue", "Resource": "*"}
    iam.put_user_policy(
        UserName="writer",
        PolicyName="writes",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [writes]}),
    )
    writer = aws("secretsmanager", key=pair["AccessKeyId"], secret=pair["SecretAccessKey"])
    writer.put_secret_value(SecretId="db", SecretString="second")
    assert other("secretsmanager").get_secret_value(SecretId="of-db")["SecretString"] == "second"
    [entry] = secrets.describe_secret(SecretId="db")["CrossAccountReplicas"]
    assert entry == {"ReplicaSecretARN": replica, "ReplicationRoleARN": role, "ReplicationStatus": "InSync"}
    iam.delete_role_policy(RoleName="replicates", PolicyName="keys")
    writer.put_secret_value(SecretId="db", SecretString="third")
    [entry] = secrets.describe_secret(SecretId="db")["CrossAccountReplicas"]
    assert entry["ReplicationStatus"] == "Failed"


def test_the_primarys_owner_ends_it(secrets, other, primary, replica):
    there = other("secretsmanager")
    secrets.associate_cross_account_replica(SecretId="db", CrossAccountReplicaARN=replica)
    ended = secrets.disassociate_cross_account_replica(SecretId="db", CrossAccountReplicaARN=replica)
    assert (ended["ARN"], ended["CrossAccountReplicaARN"]) == (primary, replica)
    secrets.put_secret_value(SecretId="db", SecretString="second")
    assert there.get_secret_value(SecretId="of-db")["SecretString"] == "first"
    assert there.describe_secret(SecretId="of-db")["CrossAccountPrimary"]["ReplicationStatus"] == "Detached"
    assert "CrossAccountReplicas" not in secrets.describe_secret(SecretId="db")
    secrets.delete_secret(SecretId="db")
    assert refusal(there.delete_secret, SecretId="of-db") == "InvalidRequestException"
    there.stop_replication_to_replica(SecretId="of-db")
    there.put_secret_value(SecretId="of-db", SecretString="own")
    there.delete_secret(SecretId="of-db")


def test_the_replicas_owner_ends_it(secrets, other, replica):
    there = other("secretsmanager")
    secrets.associate_cross_account_replica(SecretId="db", CrossAccountReplicaARN=replica)
    assert there.stop_replication_to_replica(SecretId="of-db")["ARN"] == replica
    assert there.list_resource_policies(SecretId="of-db")["ResourcePolicies"] == []
    assert "CrossAccountPrimary" not in there.describe_secret(SecretId="of-db")
    [entry] = secrets.describe_secret(SecretId="db")["CrossAccountReplicas"]
    assert entry["ReplicationStatus"] == "Detached"
    secrets.put_secret_value(SecretId="db", SecretString="second")
    assert there.get_secret_value(SecretId="of-db")["SecretString"] == "first"
    there.put_secret_value(SecretId="of-db", SecretString="own")
    code = refusal(secrets.associate_cross_account_replica, SecretId="db", CrossAccountReplicaARN=replica)
    assert code == "AccessDeniedException"
    assert refusal(there.stop_replication_to_replica, SecretId="of-db") == "InvalidRequestException"
