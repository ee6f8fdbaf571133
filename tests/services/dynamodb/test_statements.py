"""PartiQL: statements through boto3."""

from typing import Any

import pytest

from tests.services.dynamodb.conftest import MakeTable
from tests.services.dynamodb.test_tables import error_of, index


@pytest.fixture
def music(dynamodb: Any, make_table: MakeTable) -> Any:
    """``music(statement, *parameters)``: run a statement; a table ``Music`` with an index ``by-year``."""
    make_table(
        "Music",
        hash="Artist:S",
        range="Song:S",
        more_attributes=[{"AttributeName": "Year", "AttributeType": "N"}],
        GlobalSecondaryIndexes=[index("by-year", ("Year", "HASH"), ("Song", "RANGE"))],
    )

    def run(statement: str, *parameters: dict[str, Any], **members: Any) -> Any:
        if parameters:
            members["Parameters"] = list(parameters)
        return dynamodb.execute_statement(Statement=statement, **members)

    run("INSERT INTO Music VALUE {'Artist': 'Acme', 'Song': 'A', 'Year': 1999, 'Tags': <<'x', 'y'>>}")
    run("INSERT INTO Music VALUE {'Artist': 'Acme', 'Song': 'B', 'Year': 2001, 'Info': {'Charts': [1, {'At': null}]}}")
    run("INSERT INTO \"Music\" VALUE {'Artist': ?, 'Song': 'It''s', 'Year': -5}", {"S": "Other"})
    return run


def songs(answer: Any) -> list[str]:
    return [item["Song"]["S"] for item in answer["Items"]]


def test_select_finds_by_key_condition_and_index(music: Any) -> None:
    assert songs(music("SELECT * FROM Music WHERE Artist = 'Acme'")) == ["A", "B"]
    assert songs(music("SELECT * FROM Music WHERE Artist = 'Acme' ORDER BY Song DESC")) == ["B", "A"]
    assert songs(music("SELECT * FROM Music WHERE Artist = ? AND begins_with(Song, ?)", {"S": "Acme"}, {"S": "B"})) == [
        "B"
    ]
    assert songs(music("SELECT * FROM Music WHERE Artist IN ['Other', 'Acme'] AND Song > 'A'")) == ["It's", "B"]
    assert songs(music('SELECT * FROM "Music"."by-year" WHERE "Year" = 1999')) == ["A"]
    assert songs(music('SELECT Song FROM Music WHERE "Year" BETWEEN 2000 AND 2002')) == ["B"]
    assert songs(music("SELECT * FROM Music WHERE Info IS NOT MISSING")) == ["B"]
    assert sorted(songs(music("SELECT * FROM Music WHERE MISSING(Info) AND NOT size(Song) > 5"))) == ["A", "It's"]
    assert songs(music("SELECT * FROM Music WHERE contains(Tags, 'x') OR Info.Charts[1].At IS NULL AND 1 = 2")) == ["A"]


def test_select_shows_what_it_names(music: Any) -> None:
    answer = music(
        "SELECT Song, Info.Charts, Info.Charts[1].At, nothing FROM Music WHERE Artist = 'Acme' AND Song = 'B'"
    )
    assert answer["Items"] == [
        {"Song": {"S": "B"}, "Charts": {"L": [{"N": "1"}, {"M": {"At": {"NULL": True}}}]}, "At": {"NULL": True}}
    ]


def test_select_goes_on_where_its_token_says(music: Any) -> None:
    for statement in ("SELECT * FROM Music", "SELECT * FROM Music WHERE Artist IN ('Acme', 'Other', 'Nobody')"):
        found: list[str] = []
        page = music(statement, Limit=1)
        while True:
            assert len(page["Items"]) <= 1
            found += songs(page)
            if "NextToken" not in page:
                break
            page = music(statement, Limit=1, NextToken=page["NextToken"])
        assert sorted(found) == ["A", "B", "It's"]
    assert error_of(music, statement="SELECT * FROM Music", NextToken="none") == (
        "ValidationException",
        "Given NextToken is invalid",
    )


def test_an_item_is_inserted_once(music: Any) -> None:
    code, message = error_of(music, statement="INSERT INTO Music VALUE {'Artist': 'Acme', 'Song': 'A'}")
    assert (code, message) == ("DuplicateItemException", "Duplicate primary key exists in table")


def test_update_changes_an_item_that_is_there(music: Any) -> None:
    answer = music(
        "UPDATE Music SET \"Year\" = \"Year\" + 1, Info = {'Charts': [?]} SET Tags = set_add(Tags, <<'z'>>) "
        "REMOVE Nothing WHERE Artist = 'Acme' AND Song = 'A' AND \"Year\" < 2000 RETURNING MODIFIED NEW *",
        {"B": b"\x00"},
    )
    (shown,) = answer["Items"]
    assert sorted(shown.pop("Tags")["SS"]) == ["x", "y", "z"]
    assert shown == {"Year": {"N": "2000"}, "Info": {"M": {"Charts": {"L": [{"B": b"\x00"}]}}}}
    music("UPDATE Music SET Info.Charts = list_append(Info.Charts, [2]) WHERE Artist = 'Acme' AND Song = 'A'")
    music("UPDATE Music SET Tags = set_delete(Tags, <<'x', 'y'>>) WHERE Song = 'A' AND Artist = 'Acme'")
    (item,) = music("SELECT * FROM Music WHERE Artist = 'Acme' AND Song = 'A'")["Items"]
    assert (item["Info"]["M"]["Charts"]["L"][1], item["Tags"]) == ({"N": "2"}, {"SS": ["z"]})
    for where in ("Artist = 'Acme' AND Song = 'A' AND \"Year\" = 0", "Artist = 'Nobody' AND Song = 'A'"):
        code, _ = error_of(music, statement=f"UPDATE Music SET x = 1 WHERE {where}")
        assert code == "ConditionalCheckFailedException"


def test_delete_deletes_what_meets_its_condition(music: Any) -> None:
    code, _ = error_of(music, statement="DELETE FROM Music WHERE Artist = 'Acme' AND Song = 'A' AND \"Year\" = 0")
    assert code == "ConditionalCheckFailedException"
    answer = music("DELETE FROM Music WHERE Artist = 'Acme' AND Song = 'A' RETURNING ALL OLD *")
    assert answer["Items"][0]["Year"] == {"N": "1999"}
    assert music("DELETE FROM Music WHERE Artist = 'Acme' AND Song = 'A'")["Items"] == []
    assert songs(music("SELECT * FROM Music WHERE Artist = 'Acme'")) == ["B"]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DROP TABLE Music", "Statement wasn't well formed, can't be processed: Expected data manipulation"),
        ("SELECT * FROM Music WHERE Song = ?", "Number of parameters in request and statement don't match."),
        ("SELECT * FROM Music ORDER BY Song", "Must have WHERE clause in the statement when using ORDER BY clause."),
        (
            "DELETE FROM Music WHERE Artist = 'Acme'",
            "Where clause does not contain a mandatory equality on all key attributes",
        ),
        ('SELECT * FROM Music."by-day"', "The table does not have the specified index: by-day"),
    ],
)
def test_what_is_no_statement_is_refused(music: Any, statement: str, message: str) -> None:
    assert error_of(music, statement=statement) == ("ValidationException", message)


def test_a_batch_performs_each_statement_on_its_own(music: Any, dynamodb: Any) -> None:
    answer = dynamodb.batch_execute_statement(
        Statements=[
            {"Statement": "INSERT INTO Music VALUE {'Artist': 'New', 'Song': 'N'}"},
            {"Statement": "INSERT INTO Music VALUE {'Artist': 'Acme', 'Song': 'A'}"},
            {"Statement": "UPDATE Music SET x = 1 WHERE Artist = 'Nobody' AND Song = 'A'"},
            {"Statement": "DELETE FROM Nowhere WHERE id = 'a'"},
        ]
    )["Responses"]
    assert [response.get("Error", {}).get("Code") for response in answer] == [
        None,
        "DuplicateItem",
        "ConditionalCheckFailed",
        "ResourceNotFound",
    ]
    answer = dynamodb.batch_execute_statement(
        Statements=[
            {"Statement": "SELECT Song FROM Music WHERE Artist = 'New' AND Song = ?", "Parameters": [{"S": "N"}]},
            {"Statement": "SELECT * FROM Music WHERE Artist = 'New' AND Song = 'M'"},
            {"Statement": "SELECT * FROM Music WHERE Artist = 'New'"},
        ],
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer["Responses"][0] == {"TableName": "Music", "Item": {"Song": {"S": "N"}}}
    assert answer["Responses"][1] == {"TableName": "Music"}
    assert answer["Responses"][2]["Error"]["Code"] == "ValidationError"
    assert answer["ConsumedCapacity"][0]["CapacityUnits"] == 1.0


def test_a_transaction_performs_all_statements_or_none(music: Any, dynamodb: Any) -> None:
    insert = {"Statement": "INSERT INTO Music VALUE {'Artist': 'New', 'Song': 'N'}"}
    exists = "EXISTS(SELECT * FROM Music WHERE Artist = 'Acme' AND Song = 'A' AND \"Year\" > ?)"
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as failure:
        dynamodb.execute_transaction(TransactStatements=[insert, {"Statement": exists, "Parameters": [{"N": "2000"}]}])
    assert [reason["Code"] for reason in failure.value.response["CancellationReasons"]] == [
        "None",
        "ConditionalCheckFailed",
    ]
    dynamodb.execute_transaction(TransactStatements=[insert, {"Statement": exists, "Parameters": [{"N": "1990"}]}])
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as failure:
        dynamodb.execute_transaction(TransactStatements=[insert])
    assert failure.value.response["CancellationReasons"][0]["Code"] == "DuplicateItem"
    read = dynamodb.execute_transaction(
        TransactStatements=[
            {"Statement": "SELECT Song FROM Music WHERE Artist = 'New' AND Song = 'N'"},
            {"Statement": "SELECT * FROM Music WHERE Artist = 'New' AND Song = 'M'"},
        ]
    )
    assert read["Responses"] == [{"Item": {"Song": {"S": "N"}}}, {}]
