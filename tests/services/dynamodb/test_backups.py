"""Backups, restored tables, resource policies and who may what."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aws_api.core.clock import SHARED_CLOCK, ClockSetting
from aws_api.services.dynamodb.models import PastItem, Table
from aws_api.services.dynamodb.recovery import forget_past
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


@pytest.fixture
def set_clock() -> Iterator[Callable[[float], None]]:
    """``set_clock(seconds since 1970)``: the shared clock of this process says that now."""
    before = SHARED_CLOCK.setting
    yield lambda shown_s: SHARED_CLOCK.set(ClockSetting(real_s=time.time(), shown_s=shown_s))
    SHARED_CLOCK.set(before)


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


def test_a_table_is_restored_as_it_was_at_a_moment(
    dynamodb: Any, table: str, set_clock: Callable[[float], None]
) -> None:
    started_s = time.time()
    specification = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 2}
    dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=specification)
    key = {"id": ITEM["id"]}
    stages: list[tuple[float, list[Any]]] = []

    def note() -> None:
        """The table as it is, and the moment of that; the clock moves on by a minute."""
        stages.append((started_s + 60 * len(stages) + 30, dynamodb.scan(TableName=table)["Items"]))
        set_clock(started_s + 60 * len(stages))

    set_clock(started_s)
    note()
    dynamodb.put_item(TableName=table, Item={**ITEM, "kind": {"S": "changed"}})
    note()
    dynamodb.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": {**ITEM, "id": {"S": "second"}}}}]})
    dynamodb.update_item(
        TableName=table, Key=key, UpdateExpression="SET n = :n", ExpressionAttributeValues={":n": {"N": "1"}}
    )
    note()
    dynamodb.transact_write_items(
        TransactItems=[
            {"Delete": {"TableName": table, "Key": key}},
            {"Put": {"TableName": table, "Item": {**ITEM, "id": {"S": "third"}}}},
        ]
    )
    note()
    dynamodb.execute_statement(Statement=f"DELETE FROM \"{table}\" WHERE id = 'third'")
    note()
    for place, (moment_s, items) in enumerate(stages):
        dynamodb.restore_table_to_point_in_time(
            SourceTableName=table,
            TargetTableName=f"restored-{place}",
            RestoreDateTime=datetime.fromtimestamp(moment_s, UTC),
        )
        restored = dynamodb.scan(TableName=f"restored-{place}")["Items"]
        assert sorted(map(repr, restored)) == sorted(map(repr, items))
        by_kind = dynamodb.scan(TableName=f"restored-{place}", IndexName="by-kind")["Items"]
        assert sorted(map(repr, by_kind)) == sorted(map(repr, items))
    too_early = {"TargetTableName": "never", "RestoreDateTime": datetime.fromtimestamp(started_s - 60, UTC)}
    code, _ = error_of(dynamodb.restore_table_to_point_in_time, SourceTableName=table, **too_early)
    assert code == "InvalidRestoreTimeException"


def test_the_past_is_forgotten_with_its_period_and_its_table(
    dynamodb: Any, table: str, account: Any, set_clock: Callable[[float], None]
) -> None:
    contents = Table.objects.get(account_id=account.account_id, name=table).contents
    past = PastItem.objects.filter(table_id=contents)
    dynamodb.put_item(TableName=table, Item=ITEM)
    assert not past.exists(), "without recovery nothing is kept"
    specification = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 1}
    dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=specification)
    dynamodb.put_item(TableName=table, Item=ITEM)
    forget_past(datetime.now(UTC))
    assert past.count() == 1
    forget_past(datetime.now(UTC) + timedelta(days=2))
    assert not past.exists()
    dynamodb.put_item(TableName=table, Item=ITEM)
    assert past.count() == 1
    dynamodb.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    assert not past.exists()


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
