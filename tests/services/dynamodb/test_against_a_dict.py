"""Random writes against DynamoDB and against a plain dict, which is what a table is to its user."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.services.dynamodb.conftest import MakeTable
from tests.services.dynamodb.test_tables import index
from tests.support.programs import run_programs

IDS = st.sampled_from(["a", "b", "c"])
SORT = st.sampled_from(["-3", "0", "2", "10"])
KINDS = st.one_of(st.none(), st.sampled_from(["x", "y"]))
AMOUNTS = st.integers(-5, 5)


def test_a_table_and_its_index_behave_like_a_dict(dynamodb: Any, make_table: MakeTable) -> None:
    made = 0

    class TableAsDict(RuleBasedStateMachine):
        @initialize()
        def make(self) -> None:
            nonlocal made
            made += 1
            self.table = make_table(
                f"table-{made}",
                range="at:N",
                more_attributes=[{"AttributeName": "kind", "AttributeType": "S"}],
                GlobalSecondaryIndexes=[index("by-kind", ("kind", "HASH"), ("at", "RANGE"))],
            )
            self.items: dict[tuple[str, str], dict[str, Any]] = {}

        def key(self, id: str, at: str) -> dict[str, Any]:
            return {"id": {"S": id}, "at": {"N": at}}

        @rule(id=IDS, at=SORT, kind=KINDS, amount=AMOUNTS)
        def put(self, id: str, at: str, kind: str | None, amount: int) -> None:
            item = {**self.key(id, at), "amount": {"N": str(amount)}, **({"kind": {"S": kind}} if kind else {})}
            old = dynamodb.put_item(TableName=self.table, Item=item, ReturnValues="ALL_OLD").get("Attributes")
            assert old == self.items.get((id, at))
            self.items[id, at] = item

        @rule(id=IDS, at=SORT)
        def delete(self, id: str, at: str) -> None:
            dynamodb.delete_item(TableName=self.table, Key=self.key(id, at))
            self.items.pop((id, at), None)

        @rule(id=IDS, at=SORT, consistently=st.booleans())
        def get(self, id: str, at: str, consistently: bool) -> None:
            found = dynamodb.get_item(TableName=self.table, Key=self.key(id, at), ConsistentRead=consistently)
            assert found.get("Item") == self.items.get((id, at))

        @rule(places=st.dictionaries(st.tuples(IDS, SORT), st.booleans(), min_size=1, max_size=6))
        def write_batch(self, places: dict[tuple[str, str], bool]) -> None:
            writes: list[dict[str, Any]] = []
            for place, is_put in places.items():
                if is_put:
                    self.items[place] = {**self.key(*place), "kind": {"S": "x"}}
                    writes.append({"PutRequest": {"Item": self.items[place]}})
                else:
                    self.items.pop(place, None)
                    writes.append({"DeleteRequest": {"Key": self.key(*place)}})
            assert not dynamodb.batch_write_item(RequestItems={self.table: writes})["UnprocessedItems"]

        @rule(places=st.sets(st.tuples(IDS, SORT), min_size=1, max_size=6))
        def get_batch(self, places: set[tuple[str, str]]) -> None:
            keys = [self.key(*place) for place in places]
            found = dynamodb.batch_get_item(RequestItems={self.table: {"Keys": keys}})["Responses"][self.table]
            there = {(item["id"]["S"], item["at"]["N"]): item for item in found}
            assert there == {place: self.items[place] for place in places if place in self.items}

        @rule(id=IDS, at=SORT, amount=AMOUNTS)
        def add(self, id: str, at: str, amount: int) -> None:
            item = self.items.setdefault((id, at), self.key(id, at))
            item["amount"] = {"N": str(int(item.get("amount", {"N": "0"})["N"]) + amount)}
            answer = dynamodb.update_item(
                TableName=self.table,
                Key=self.key(id, at),
                UpdateExpression="ADD amount :amount",
                ExpressionAttributeValues={":amount": {"N": str(amount)}},
                ReturnValues="ALL_NEW",
            )
            assert answer["Attributes"] == item

        @rule(id=IDS, at=SORT, kind=KINDS, amount=AMOUNTS)
        def move_if_larger(self, id: str, at: str, kind: str | None, amount: int) -> None:
            item = self.items.get((id, at))
            applies = item is not None and "amount" in item and int(item["amount"]["N"]) > amount
            values = {":amount": {"N": str(amount)}, **({":kind": {"S": kind}} if kind else {})}
            try:
                dynamodb.update_item(
                    TableName=self.table,
                    Key=self.key(id, at),
                    UpdateExpression="SET kind = :kind" if kind else "REMOVE kind",
                    ConditionExpression="amount > :amount",
                    ExpressionAttributeValues=values,
                )
                assert applies
            except dynamodb.exceptions.ConditionalCheckFailedException:
                assert not applies
                return
            assert item is not None
            item.pop("kind", None)
            if kind:
                item["kind"] = {"S": kind}

        @rule(data=st.data())
        def transact(self, data: st.DataObject) -> None:
            places = data.draw(st.lists(st.tuples(IDS, SORT), min_size=1, max_size=4, unique=True))
            actions, after, reasons = [], dict(self.items), []
            for id, at in places:
                action, reason = self.drawn_action(data, id, at, after)
                actions.append(action)
                reasons.append(reason)
            try:
                dynamodb.transact_write_items(TransactItems=actions)
                assert set(reasons) == {"None"}
                self.items = after
            except dynamodb.exceptions.TransactionCanceledException as error:
                assert [reason["Code"] for reason in error.response["CancellationReasons"]] == reasons
                assert set(reasons) != {"None"}

        def drawn_action(
            self, data: st.DataObject, id: str, at: str, after: dict[tuple[str, str], dict[str, Any]]
        ) -> tuple[dict[str, Any], str]:
            """An action on an item, made on the model; and its reason should the transaction be cancelled."""
            kind = data.draw(st.sampled_from(["Put", "Delete", "Update", "ConditionCheck"]))
            demands = data.draw(st.sampled_from(["attribute_exists(id)", "attribute_not_exists(id)"]))
            meets = ((id, at) in self.items) == (demands == "attribute_exists(id)")
            request: dict[str, Any] = {"TableName": self.table, "ConditionExpression": demands}
            key = self.key(id, at)
            if kind == "Put":
                after[id, at] = request["Item"] = {**key, "kind": {"S": data.draw(st.sampled_from(["x", "y"]))}}
            else:
                request["Key"] = key
            if kind == "Delete":
                after.pop((id, at), None)
            elif kind == "Update":
                request["UpdateExpression"] = "SET amount = :amount"
                request["ExpressionAttributeValues"] = {":amount": {"N": "7"}}
                after[id, at] = {**after.get((id, at), key), "amount": {"N": "7"}}
            return {kind: request}, "None" if meets else "ConditionalCheckFailed"

        @rule(id=IDS, at=SORT, amount=AMOUNTS)
        def update_by_statement(self, id: str, at: str, amount: int) -> None:
            statement = f'UPDATE "{self.table}" SET amount = ? WHERE id = \'{id}\' AND "at" = {at}'
            try:
                dynamodb.execute_statement(Statement=statement, Parameters=[{"N": str(amount)}])
                self.items[id, at] = {**self.items[id, at], "amount": {"N": str(amount)}}
            except dynamodb.exceptions.ConditionalCheckFailedException:
                assert (id, at) not in self.items

        @rule(id=IDS, low=AMOUNTS, forward=st.booleans())
        def query(self, id: str, low: int, forward: bool) -> None:
            found = dynamodb.query(
                TableName=self.table,
                KeyConditionExpression="id = :id AND #at >= :low",
                ExpressionAttributeNames={"#at": "at"},
                ExpressionAttributeValues={":id": {"S": id}, ":low": {"N": str(low)}},
                ScanIndexForward=forward,
            )["Items"]
            wanted = sorted((int(at), item) for (own, at), item in self.items.items() if own == id and int(at) >= low)
            assert found == [item for _, item in (wanted if forward else wanted[::-1])]

        @rule(kind=st.sampled_from(["x", "y"]))
        def query_index(self, kind: str) -> None:
            found = dynamodb.query(
                TableName=self.table,
                IndexName="by-kind",
                KeyConditionExpression="kind = :kind",
                ExpressionAttributeValues={":kind": {"S": kind}},
            )["Items"]
            wanted = [item for item in self.items.values() if item.get("kind") == {"S": kind}]
            assert [int(item["at"]["N"]) for item in found] == sorted(int(item["at"]["N"]) for item in wanted)
            assert sorted(map(repr, map(sorted, map(dict.items, found)))) == sorted(
                map(repr, map(sorted, map(dict.items, wanted)))
            )

        @invariant()
        def holds_the_same_number_of_items(self) -> None:
            if hasattr(self, "table"):
                assert dynamodb.scan(TableName=self.table, Select="COUNT")["Count"] == len(self.items)

    run_programs(TableAsDict)
