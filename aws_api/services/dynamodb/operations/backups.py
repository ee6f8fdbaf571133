"""Backups on demand, continuous backups, and tables restored from them.

While a table has point-in-time recovery, what its writes replace is kept (aws_api/services/dynamodb/recovery.py): the
latest restorable time is now, at AWS some minutes ago.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Backup-and-Restore.html
"""

from collections.abc import Mapping
from typing import Any, cast

from aws_api.core.context import Context
from aws_api.core.errors import ValidationException
from aws_api.services.dynamodb import backups, recovery
from aws_api.services.dynamodb.contents import leave_items
from aws_api.services.dynamodb.describe import Extent, describe_table
from aws_api.services.dynamodb.models import Backup, Table
from aws_api.services.dynamodb.service import dynamodb
from aws_api.services.dynamodb.shapes import (
    BackupNotFoundException,
    CreateBackupInput,
    CreateBackupOutput,
    DeleteBackupInput,
    DeleteBackupOutput,
    DescribeBackupInput,
    DescribeBackupOutput,
    DescribeContinuousBackupsInput,
    DescribeContinuousBackupsOutput,
    InvalidRestoreTimeException,
    ListBackupsInput,
    ListBackupsOutput,
    PointInTimeRecoveryUnavailableException,
    ResourceNotFoundException,
    RestoreTableFromBackupInput,
    RestoreTableFromBackupOutput,
    RestoreTableToPointInTimeInput,
    RestoreTableToPointInTimeOutput,
    TableNotFoundException,
    UpdateContinuousBackupsInput,
    UpdateContinuousBackupsOutput,
)
from aws_api.services.dynamodb.tables import check_name, find_row, table_name

MAX_LISTED = 100
_NO_THROUGHPUT = {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0}


@dynamodb.operation
def create_backup(context: Context, request: CreateBackupInput) -> CreateBackupOutput:
    """Copy a table as it is now.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateBackup.html
    """
    backup = backups.take(_table(context, request["TableName"]), request["BackupName"], context.clock.now())
    return cast(CreateBackupOutput, {"BackupDetails": _details(backup, "CREATING")})


@dynamodb.operation
def describe_backup(context: Context, request: DescribeBackupInput) -> DescribeBackupOutput:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeBackup.html"""
    return cast(DescribeBackupOutput, {"BackupDescription": _described(_backup(context, request["BackupArn"]))})


@dynamodb.operation
def list_backups(context: Context, request: ListBackupsInput) -> ListBackupsOutput:
    """The backups of the account or of one table, the oldest first.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListBackups.html
    """
    if request.get("BackupType", "ALL") not in ("ALL", "USER"):
        return {"BackupSummaries": []}
    rows = Backup.objects.filter(account_id=context.account_id, region=context.region)
    if "TableName" in request:
        rows = rows.filter(table_name=table_name(context, request["TableName"]))
    if "TimeRangeLowerBound" in request:
        rows = rows.filter(created_at__gte=request["TimeRangeLowerBound"])
    if "TimeRangeUpperBound" in request:
        rows = rows.filter(created_at__lt=request["TimeRangeUpperBound"])
    if "ExclusiveStartBackupArn" in request:
        rows = rows.filter(backup_id__gt=request["ExclusiveStartBackupArn"].rpartition("/")[2])
    limit = request.get("Limit", MAX_LISTED)
    page = list(rows.order_by("backup_id")[: limit + 1])
    answer: dict[str, Any] = {
        "BackupSummaries": [
            {
                **_details(backup),
                "TableName": backup.table_name,
                "TableId": backup.table_uuid,
                "TableArn": backup.arn.partition("/backup/")[0],
            }
            for backup in page[:limit]
        ]
    }
    if len(page) > limit:
        answer["LastEvaluatedBackupArn"] = page[limit - 1].arn
    return cast(ListBackupsOutput, answer)


@dynamodb.operation
def delete_backup(context: Context, request: DeleteBackupInput) -> DeleteBackupOutput:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteBackup.html"""
    backup = _backup(context, request["BackupArn"])
    description = _described(backup, "DELETED")
    leave_items(backup.contents_id)
    backup.delete()
    return cast(DeleteBackupOutput, {"BackupDescription": description})


@dynamodb.operation
def restore_table_from_backup(context: Context, request: RestoreTableFromBackupInput) -> RestoreTableFromBackupOutput:
    """Make a table of a backup; streams, time to live, tags and policies are not the backup's.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableFromBackup.html
    """
    check_name(request["TargetTableName"], "targetTableName")
    source = backups.source_of_backup(_backup(context, request["BackupArn"]))
    return {"TableDescription": _creating(backups.restore(context, source, request["TargetTableName"], request))}


@dynamodb.operation
def restore_table_to_point_in_time(
    context: Context, request: RestoreTableToPointInTimeInput
) -> RestoreTableToPointInTimeOutput:
    """Make a table of what another holds, or held at a moment of its recovery period.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableToPointInTime.html
    """
    check_name(request["TargetTableName"], "targetTableName")
    asked = request.get("SourceTableArn") or request.get("SourceTableName")
    if asked is None:
        raise ValidationException("SourceTableArn or SourceTableName must be specified")
    table = _table(context, asked)
    if "PointInTimeRecovery" not in table.document:
        raise PointInTimeRecoveryUnavailableException(f"Point in time recovery is not enabled for table '{table.name}'")
    at = None if request.get("UseLatestRestorableTime") else request.get("RestoreDateTime")
    if at is None and not request.get("UseLatestRestorableTime"):
        raise ValidationException("Either RestoreDateTime or UseLatestRestorableTime must be specified")
    now = context.clock.now()
    if at is not None and not recovery.earliest(table, now) <= at <= now:
        raise InvalidRestoreTimeException(
            "RestoreDateTime must be between EarliestRestorableDateTime and LatestRestorableDateTime"
        )
    source = backups.source_of_table(table, at)
    return {"TableDescription": _creating(backups.restore(context, source, request["TargetTableName"], request))}


@dynamodb.operation
def describe_continuous_backups(
    context: Context, request: DescribeContinuousBackupsInput
) -> DescribeContinuousBackupsOutput:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeContinuousBackups.html"""
    return cast(DescribeContinuousBackupsOutput, _continuous(context, _table(context, request["TableName"])))


@dynamodb.operation
def update_continuous_backups(context: Context, request: UpdateContinuousBackupsInput) -> UpdateContinuousBackupsOutput:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateContinuousBackups.html"""
    specification = request["PointInTimeRecoverySpecification"]
    table = _table(context, request["TableName"], lock=True)
    if specification["PointInTimeRecoveryEnabled"]:
        recovery.enable(table, specification.get("RecoveryPeriodInDays"), context.clock.now())
    else:
        recovery.disable(table)
    return cast(UpdateContinuousBackupsOutput, _continuous(context, table))


def _continuous(context: Context, table: Table) -> dict[str, Any]:
    described: dict[str, Any] = {"PointInTimeRecoveryStatus": "DISABLED"}
    if (enabled := table.document.get("PointInTimeRecovery")) is not None:
        now = context.clock.now()
        described = {
            "PointInTimeRecoveryStatus": "ENABLED",
            "RecoveryPeriodInDays": enabled["RecoveryPeriodInDays"],
            "EarliestRestorableDateTime": recovery.earliest(table, now),
            "LatestRestorableDateTime": now,
        }
    return {
        "ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": described,
        }
    }


def _table(context: Context, name_or_arn: str, *, lock: bool = False) -> Table:
    try:
        return find_row(context, name_or_arn, lock=lock)
    except ResourceNotFoundException:
        raise TableNotFoundException(f"Table not found: {name_or_arn}") from None


def _backup(context: Context, arn: str) -> Backup:
    rows = Backup.objects.filter(account_id=context.account_id, region=context.region)
    backup = rows.filter(backup_id=arn.rpartition("/")[2]).first()
    if backup is None or backup.arn != arn:
        raise BackupNotFoundException(f"Backup not found: {arn}")
    return backup


def _creating(table: Table) -> Any:
    return describe_table(table, list(table.indexes.order_by("id")), Extent(), status="CREATING")


def _details(backup: Backup, status: str = "AVAILABLE") -> dict[str, Any]:
    return {
        "BackupArn": backup.arn,
        "BackupName": backup.name,
        "BackupSizeBytes": backup.size_bytes,
        "BackupStatus": status,
        "BackupType": "USER",
        "BackupCreationDateTime": backup.created_at,
    }


def _described(backup: Backup, status: str = "AVAILABLE") -> dict[str, Any]:
    document: Mapping[str, Any] = backup.document["Table"]
    source: dict[str, Any] = {
        "TableName": backup.table_name,
        "TableId": backup.table_uuid,
        "TableArn": backup.arn.partition("/backup/")[0],
        "TableSizeBytes": backup.size_bytes,
        "KeySchema": document["KeySchema"],
        "TableCreationDateTime": backup.table_created_at,
        "ProvisionedThroughput": document.get("ProvisionedThroughput", _NO_THROUGHPUT),
        "ItemCount": backup.items,
        "BillingMode": document.get("BillingMode", "PROVISIONED"),
    }
    features: dict[str, Any] = {member: indexes for member, indexes in backup.document["Indexes"].items() if indexes}
    if document.get("StreamSpecification", {}).get("StreamEnabled"):
        features["StreamDescription"] = document["StreamSpecification"]
    if (attribute := backup.document["TimeToLiveAttribute"]) is not None:
        features["TimeToLiveDescription"] = {"TimeToLiveStatus": "ENABLED", "AttributeName": attribute}
    return {
        "BackupDetails": _details(backup, status),
        "SourceTableDetails": source,
        "SourceTableFeatureDetails": features,
    }
