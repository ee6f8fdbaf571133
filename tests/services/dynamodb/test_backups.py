"""Backups, restored tables, resource policies and who may what."""

import json
from typing import Any

import pytest

from tests.services.dynamodb.conftest import MakeTable
from tests.services.dynamodb.test_tables import error_of, index

ITEM = {"id": {"S": "a"}, "kind": {"S": "x"}}


@pytest.fixture
def table(dynamodb: Any, make_table: MakeTable) -> str:
    name = make_table(
        more_attributes=[{"AttributeName": "kind", "AttributeType": "S"}],
        GlobalSecondaryIndexes=[index("by-kind", ("kind", "HASH"))],
    )
    dynamodb.put_item(TableName=name, Item=ITEM)
    return name


def test_a_backup_holds_the_table_as_it_was(dynamodb: Any, table: str) -> None:
    made = dynamodb.create_backup(TableName=table, BackupName="before")["BackupDetails"]
    assert made["BackupStatus"] == "CREATING"
    dynamodb.put_item(TableName=table, Item={"id": {"S": "later"}})
    described = dynamodb.describe_backup(BackupArn=made["BackupArn"])["BackupDescription"]
    assert described["BackupDetails"]["BackupStatus"] == "AVAILABLE"
    assert described["SourceTableDetails"]["ItemCount"] == 1
    assert described["SourceTableFeatureDetails"]["GlobalSecondaryIndexes"][0]["IndexName"] == "by-kind"
    dynamodb.delete_table(TableName=table)

    restored = dynamodb.restore_table_from_backup(TargetTableName="restored", BackupArn=made["BackupArn"])
    assert restored["TableDescription"]["TableStatus"] == "CREATING"
    found = dynamodb.describe_table(TableName="restored")["Table"]
    assert found["RestoreSummary"]["SourceBackupArn"] == made["BackupArn"]
    assert dynamodb.scan(TableName="restored")["Items"] == [ITEM]
    assert dynamodb.scan(TableName="restored", IndexName="by-kind")["Items"] == [ITEM]
    dynamodb.put_item(TableName="restored", Item={"id": {"S": "b"}, "kind": {"S": "x"}})
    assert dynamodb.scan(TableName="restored", IndexName="by-kind")["Count"] == 2
    code, _ = error_of(dynamodb.restore_table_from_backup, TargetTableName="restored", BackupArn=made["BackupArn"])
    assert code == "TableAlreadyExistsException"


def test_backups_are_listed_and_deleted(dynamodb: Any, table: str) -> None:
    arns = [
        dynamodb.create_backup(TableName=table, BackupName=f"backup-{number}")["BackupDetails"]["BackupArn"]
        for number in range(3)
    ]
    page = dynamodb.list_backups(TableName=table, Limit=2)
    rest = dynamodb.list_backups(ExclusiveStartBackupArn=page["LastEvaluatedBackupArn"])
    listed = [summary["BackupArn"] for summary in page["BackupSummaries"] + rest["BackupSummaries"]]
    assert sorted(listed) == sorted(arns)
    deleted = dynamodb.delete_backup(BackupArn=arns[0])["BackupDescription"]
    assert deleted["BackupDetails"]["BackupStatus"] == "DELETED"
    assert error_of(dynamodb.describe_backup, BackupArn=arns[0])[0] == "BackupNotFoundException"
    assert error_of(dynamodb.create_backup, TableName="nothing", BackupName="none")[0] == "TableNotFoundException"


def test_a_table_with_continuous_backups_is_restored_as_it_is(dynamodb: Any, table: str) -> None:
    restore = {"SourceTableName": table, "TargetTableName": "copy", "UseLatestRestorableTime": True}
    code, _ = error_of(dynamodb.restore_table_to_point_in_time, **restore)
    assert code == "PointInTimeRecoveryUnavailableException"
    dynamodb.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    described = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    assert described["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    dynamodb.restore_table_to_point_in_time(**restore, BillingModeOverride="PAY_PER_REQUEST")
    assert dynamodb.scan(TableName="copy", IndexName="by-kind")["Items"] == [ITEM]


def test_a_table_keeps_its_policy(dynamodb: Any, table: str) -> None:
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    assert error_of(dynamodb.get_resource_policy, ResourceArn=arn)[0] == "PolicyNotFoundException"
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    revision = dynamodb.put_resource_policy(ResourceArn=arn, Policy=policy)["RevisionId"]
    found = dynamodb.get_resource_policy(ResourceArn=arn)
    assert (found["Policy"], found["RevisionId"]) == (policy, revision)
    code, _ = error_of(dynamodb.put_resource_policy, ResourceArn=arn, Policy=policy, ExpectedRevisionId="another")
    assert code == "PolicyNotFoundException"
    assert dynamodb.delete_resource_policy(ResourceArn=arn)["RevisionId"] == revision
    assert error_of(dynamodb.put_resource_policy, ResourceArn=arn, Policy="{")[0] == "ValidationException"


def test_what_is_not_emulated_says_so(dynamodb: Any, table: str) -> None:
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    assert error_of(dynamodb.export_table_to_point_in_time, TableArn=arn, S3Bucket="bucket")[0] == "NotImplemented"
