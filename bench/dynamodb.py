"""DynamoDB operations per second: Simfra's gateway beside ministack and moto, in the same run.

    python -m bench.dynamodb --url http://localhost:4599 --peers PEERS

``--url`` is a running gateway; its durability is whatever it was started with. Requests are signed beforehand and
replayed (bench/load.py); each figure is the better of two rounds. ``--items 1000000`` fills a table of so many items
first, in Simfra alone, and measures reads of that.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from bench.load import CONCURRENCIES, Endpoint, presign, replay
from bench.peers import running_peers
from bench.table import Table

ROUNDS = 2
ITEM = {
    "status": {"S": "processed"},
    "total": {"N": "129.95"},
    "body": {"S": "x" * 200},
    "lines": {"L": [{"M": {"sku": {"S": "a-1"}, "count": {"N": "2"}}}]},
}
KEYS = 50
QUERIED = 10
LARGE_PARTITION = 1000


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://localhost:4599")
    parser.add_argument("--peers", type=Path, help="virtual environment with requirements-bench.txt")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--items", type=int, default=0, help="also measure reads of a table of so many items")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    simfra = Endpoint(name="simfra", url=options.url)
    with running_peers(options.peers) as peers:
        endpoints = [simfra, *peers]
        table = Table([endpoint.name for endpoint in endpoints])
        for _ in range(ROUNDS):
            for endpoint in endpoints:
                measure(endpoint, table, options.seconds)
    if options.items:
        measure_large(simfra, table, options.seconds, options.items)
    print(table.markdown())
    if options.json:
        options.json.write_text(table.json())


def measure(endpoint: Endpoint, table: Table, seconds: float) -> None:
    """All figures of one server, on a table of its own."""
    client = endpoint.client("dynamodb")
    name = make_table(client)
    keys = [key(number, 0) for number in range(KEYS)]
    for number in range(QUERIED):
        client.put_item(TableName=name, Item={**key("queried", number), **ITEM})
    calls: dict[str, tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
        "PutItem": ("put_item", lambda own: {"Item": {**own, **ITEM}}),
        "GetItem": ("get_item", lambda own: {"Key": own}),
        "UpdateItem": (
            "update_item",
            lambda own: {
                "Key": own,
                "UpdateExpression": "ADD visits :one SET seen = :yes",
                "ConditionExpression": "attribute_exists(id)",
                "ExpressionAttributeValues": {":one": {"N": "1"}, ":yes": {"BOOL": True}},
            },
        ),
        f"Query, {QUERIED} items": ("query", lambda _: query_of("queried")),
        "BatchWriteItem(25)": (
            "batch_write_item",
            lambda _: {
                "RequestItems": {
                    name: [{"PutRequest": {"Item": {**key("batch", number), **ITEM}}} for number in range(25)]
                }
            },
        ),
    }
    for call, (method, parameters_of) in calls.items():
        with_name = {} if method == "batch_write_item" else {"TableName": name}
        requests = presign(client, [(method, {**with_name, **parameters_of(own)}) for own in keys])
        for concurrency in CONCURRENCIES:
            table.measure(endpoint, call, requests, concurrency=concurrency, seconds=seconds)
    client.delete_table(TableName=name)


def measure_large(endpoint: Endpoint, table: Table, seconds: float, items: int) -> None:
    """Reads of a table of many items, a thousand to a partition."""
    client = endpoint.client("dynamodb")
    name = make_table(client)
    puts = (
        (
            "batch_write_item",
            {
                "RequestItems": {
                    name: [
                        {"PutRequest": {"Item": {**key(at // LARGE_PARTITION, at % LARGE_PARTITION), **ITEM}}}
                        for at in range(first, min(first + 25, items))
                    ]
                }
            },
        )
        for first in range(0, items, 25)
    )
    filled = replay(endpoint, presign(client, puts), concurrency=8)
    print(f"filled {items} items in {filled.seconds:.0f} s, {filled.failures} requests failed")
    places = [
        (at * 7919 // LARGE_PARTITION % (items // LARGE_PARTITION), at * 7919 % LARGE_PARTITION) for at in range(500)
    ]
    reads = {
        f"GetItem of {items}": [("get_item", {"TableName": name, "Key": key(*place)}) for place in places],
        f"Query of {items}": [
            ("query", {"TableName": name, **query_of(place[0]), "Limit": QUERIED}) for place in places
        ],
        f"Scan of {items}, 10": [("scan", {"TableName": name, "Limit": QUERIED})],
    }
    for call, requests in reads.items():
        for concurrency in CONCURRENCIES:
            signed = presign(client, requests)
            table.measure(endpoint, call, signed, concurrency=concurrency, seconds=seconds)
    client.delete_table(TableName=name)


def make_table(client: Any) -> str:
    """A new table with a partition key and a sort key."""
    name = f"bench-{uuid4().hex[:8]}"
    client.create_table(
        TableName=name,
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "place", "AttributeType": "N"},
        ],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "place", "KeyType": "RANGE"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def key(partition: object, place: int) -> dict[str, Any]:
    """The key of an item."""
    return {"id": {"S": f"order-{partition}"}, "place": {"N": str(place)}}


def query_of(partition: object) -> dict[str, Any]:
    """The parameters of a query of one partition."""
    return {
        "KeyConditionExpression": "id = :id",
        "ExpressionAttributeValues": {":id": {"S": f"order-{partition}"}},
    }


if __name__ == "__main__":
    main()
