"""Tables through boto3: their life, their shapes, their settings."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.services.dynamodb.conftest import MakeTable

PROVISIONED = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 2}


def error_of(call: Any, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as failure:
        call(**parameters)
    error = failure.value.response["Error"]
    return error["Code"], error["Message"]


def index(name: str, *keys: tuple[str, str], projection: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": [{"AttributeName": key, "KeyType": role} for key, role in keys],
        "Projection": projection or {"ProjectionType": "ALL"},
    }


def test_a_table_is_created_then_active_then_deleted(dynamodb: Any, account: Any) -> None:
    made = dynamodb.create_table(
        TableName="processed-orders",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": "team", "Value": "orders"}],
    )["TableDescription"]
    assert made["TableStatus"] == "CREATING"
    assert made["TableArn"] == f"arn:aws:dynamodb:us-east-1:{account.account_id}:table/processed-orders"

    dynamodb.put_item(TableName="processed-orders", Item={"id": {"S": "at once"}})
    dynamodb.get_waiter("table_exists").wait(TableName="processed-orders", WaiterConfig={"Delay": 1})
    table = dynamodb.describe_table(TableName=made["TableArn"])["Table"]
    assert table["TableStatus"] == "ACTIVE"
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 0
    assert (table["ItemCount"], table["TableSizeBytes"]) == (1, len("id") + len("at once"))
    assert table["TableId"] == made["TableId"]
    assert dynamodb.list_tags_of_resource(ResourceArn=made["TableArn"])["Tags"] == [{"Key": "team", "Value": "orders"}]

    assert dynamodb.delete_table(TableName="processed-orders")["TableDescription"]["TableStatus"] == "DELETING"
    dynamodb.get_waiter("table_not_exists").wait(TableName="processed-orders", WaiterConfig={"Delay": 1})
    assert dynamodb.list_tables()["TableNames"] == []


def test_a_table_of_the_same_name_begins_empty(dynamodb: Any, make_table: MakeTable) -> None:
    for _ in range(2):
        make_table()
        assert "Item" not in dynamodb.get_item(TableName="things", Key={"id": {"S": "a"}})
        dynamodb.put_item(TableName="things", Item={"id": {"S": "a"}})
        dynamodb.delete_table(TableName="things")


def test_tables_that_are_not_there(dynamodb: Any, make_table: MakeTable) -> None:
    assert error_of(dynamodb.describe_table, TableName="nowhere") == (
        "ResourceNotFoundException",
        "Requested resource not found: Table: nowhere not found",
    )
    assert error_of(dynamodb.get_item, TableName="nowhere", Key={"id": {"S": "a"}}) == (
        "ResourceNotFoundException",
        "Requested resource not found",
    )
    make_table()
    code, message = error_of(make_table)
    assert (code, message) == ("ResourceInUseException", "Table already exists: things")


def test_accounts_and_regions_have_tables_of_their_own(aws: Any, make_table: MakeTable) -> None:
    make_table()
    elsewhere = aws("dynamodb", region_name="eu-west-1")
    assert elsewhere.list_tables()["TableNames"] == []
    assert error_of(elsewhere.describe_table, TableName="things")[0] == "ResourceNotFoundException"


def test_tables_are_listed_in_pages(dynamodb: Any, make_table: MakeTable) -> None:
    for name in ("cherry", "apple", "banana"):
        make_table(name)
    first = dynamodb.list_tables(Limit=2)
    assert first == {**first, "TableNames": ["apple", "banana"], "LastEvaluatedTableName": "banana"}
    rest = dynamodb.list_tables(ExclusiveStartTableName="banana")
    assert rest["TableNames"] == ["cherry"]
    assert "LastEvaluatedTableName" not in rest


def test_provisioned_tables_describe_their_capacity_and_indexes(dynamodb: Any, account: Any) -> None:
    dynamodb.create_table(
        TableName="games",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind} for name, kind in (("id", "S"), ("at", "N"), ("score", "N"))
        ],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
        ProvisionedThroughput=PROVISIONED,
        GlobalSecondaryIndexes=[{**index("by-score", ("score", "HASH")), "ProvisionedThroughput": PROVISIONED}],
        LocalSecondaryIndexes=[
            index("by-own-score", ("id", "HASH"), ("score", "RANGE"), projection={"ProjectionType": "KEYS_ONLY"})
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        SSESpecification={"Enabled": True},
        TableClass="STANDARD_INFREQUENT_ACCESS",
        DeletionProtectionEnabled=True,
    )
    table = dynamodb.describe_table(TableName="games")["Table"]
    assert table["ProvisionedThroughput"]["WriteCapacityUnits"] == 2
    assert "BillingModeSummary" not in table
    (of_all,) = table["GlobalSecondaryIndexes"]
    assert (of_all["IndexStatus"], of_all["ProvisionedThroughput"]["ReadCapacityUnits"]) == ("ACTIVE", 5)
    assert of_all["IndexArn"] == f"{table['TableArn']}/index/by-score"
    (own,) = table["LocalSecondaryIndexes"]
    assert own["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    assert table["LatestStreamArn"] == f"{table['TableArn']}/stream/{table['LatestStreamLabel']}"
    assert table["SSEDescription"]["Status"] == "ENABLED"
    assert table["TableClassSummary"] == {"TableClass": "STANDARD_INFREQUENT_ACCESS"}

    code, message = error_of(dynamodb.delete_table, TableName="games")
    assert code == "ValidationException"
    assert "protected against deletion" in message
    dynamodb.update_table(TableName="games", DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName="games")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"BillingMode": "PROVISIONED"},
            "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be "
            "specified when BillingMode is PROVISIONED",
        ),
        (
            {"KeySchema": [{"AttributeName": "other", "KeyType": "HASH"}]},
            "One or more parameter values were invalid: Some index key attributes are not defined in "
            "AttributeDefinitions. Keys: [other], AttributeDefinitions: [id]",
        ),
        (
            {"KeySchema": [{"AttributeName": "id", "KeyType": "RANGE"}]},
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
        ),
        (
            {"AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("id", "superfluous")]},
            "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match "
            "number of attributes defined in AttributeDefinitions",
        ),
        (
            {"LocalSecondaryIndexes": [index("local", ("id", "HASH"))]},
            "One or more parameter values were invalid: Table KeySchema does not have a range key, which is required "
            "when specifying a LocalSecondaryIndex",
        ),
        (
            {"GlobalSecondaryIndexes": [index("one", ("id", "HASH")), index("one", ("id", "HASH"))]},
            "One or more parameter values were invalid: Duplicate index name: one",
        ),
        (
            {"TableName": "no"},
            "1 validation error detected: Value 'no' at 'tableName' failed to satisfy constraint: Member must have "
            "length greater than or equal to 3",
        ),
    ],
)
def test_tables_that_cannot_be(dynamodb: Any, change: dict[str, Any], message: str) -> None:
    wanted = {
        "TableName": "things",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    assert error_of(dynamodb.create_table, **{**wanted, **change}) == ("ValidationException", message)
    assert dynamodb.list_tables()["TableNames"] == []


def test_billing_can_change(dynamodb: Any, make_table: MakeTable) -> None:
    make_table()
    changed = dynamodb.update_table(TableName="things", BillingMode="PROVISIONED", ProvisionedThroughput=PROVISIONED)[
        "TableDescription"
    ]
    assert changed["TableStatus"] == "UPDATING"
    table = dynamodb.describe_table(TableName="things")["Table"]
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 5
    assert table["BillingModeSummary"]["BillingMode"] == "PROVISIONED"
    assert error_of(dynamodb.update_table, TableName="things")[0] == "ValidationException"


def test_an_index_that_is_added_is_filled_and_one_that_is_removed_is_gone(dynamodb: Any, make_table: MakeTable) -> None:
    make_table()
    for number in range(30):
        dynamodb.put_item(
            TableName="things",
            Item={"id": {"S": str(number)}, **({"kind": {"S": "even"}} if number % 2 == 0 else {})},
        )
    updated = dynamodb.update_table(
        TableName="things",
        AttributeDefinitions=[{"AttributeName": "kind", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": index("by-kind", ("kind", "HASH"))}],
    )["TableDescription"]
    assert updated["GlobalSecondaryIndexes"][0]["IndexStatus"] == "CREATING"
    described = dynamodb.describe_table(TableName="things")["Table"]["GlobalSecondaryIndexes"][0]
    assert (described["IndexStatus"], described["ItemCount"]) == ("ACTIVE", 15)

    dynamodb.put_item(TableName="things", Item={"id": {"S": "new"}, "kind": {"S": "even"}})
    found = dynamodb.query(
        TableName="things",
        IndexName="by-kind",
        KeyConditionExpression="kind = :even",
        ExpressionAttributeValues={":even": {"S": "even"}},
    )
    assert found["Count"] == 16

    dynamodb.update_table(TableName="things", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-kind"}}])
    table = dynamodb.describe_table(TableName="things")["Table"]
    assert "GlobalSecondaryIndexes" not in table
    assert [definition["AttributeName"] for definition in table["AttributeDefinitions"]] == ["id"]
    assert error_of(
        dynamodb.query,
        TableName="things",
        IndexName="by-kind",
        KeyConditionExpression="kind = :even",
        ExpressionAttributeValues={":even": {"S": "even"}},
    ) == ("ValidationException", "The table does not have the specified index: by-kind")


def test_settings_are_kept_and_told(dynamodb: Any, make_table: MakeTable) -> None:
    make_table()
    arn = dynamodb.describe_table(TableName="things")["Table"]["TableArn"]
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": str(number), "Value": "x"} for number in range(12)])
    dynamodb.untag_resource(ResourceArn=arn, TagKeys=["3"])
    pages = dynamodb.get_paginator("list_tags_of_resource").paginate(ResourceArn=arn)
    assert sorted(tag["Key"] for page in pages for tag in page["Tags"]) == sorted(
        str(number) for number in range(12) if number != 3
    )
    assert error_of(dynamodb.list_tags_of_resource, ResourceArn=arn + "x")[0] == "ResourceNotFoundException"

    def time_to_live() -> Any:
        return dynamodb.describe_time_to_live(TableName="things")["TimeToLiveDescription"]

    assert time_to_live() == {"TimeToLiveStatus": "DISABLED"}
    dynamodb.update_time_to_live(
        TableName="things", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
    )
    assert time_to_live() == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}

    backups = dynamodb.describe_continuous_backups(TableName="things")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "DISABLED"
    assert error_of(dynamodb.describe_continuous_backups, TableName="nowhere")[0] == "TableNotFoundException"
    assert dynamodb.describe_limits()["TableMaxReadCapacityUnits"] == 40_000
    assert dynamodb.describe_endpoints()["Endpoints"][0]["Address"] == "localhost:4599"
