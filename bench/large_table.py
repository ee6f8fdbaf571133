"""A table of a million items beside an empty one: reads, writes, a new index, a count, a deletion.

    python -m bench.large_table --url http://localhost:4599 --items 1000000

Prints operations per second on both tables and how long the table's own operations take. Throughput on the large one
should be at least 70% of the small one's.
"""

import argparse
import time
from typing import Any

from bench.dynamodb import ITEM, LARGE_PARTITION, QUERIED, key, make_table, query_of
from bench.load import CONCURRENCIES, Endpoint, hammer, presign, replay

SMALL = 1000
_POLL_S = 0.5
_LONGEST_FILL_S = 1800


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://localhost:4599")
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=2)
    options = parser.parse_args()
    endpoint = Endpoint(name="simfra", url=options.url)
    client = endpoint.client("dynamodb")
    sizes = {f"{items} items": items for items in (SMALL, options.items)}
    figures: dict[tuple[str, int], list[float]] = {}
    names = {size: fill(endpoint, client, items) for size, items in sizes.items()}
    for size, items in sizes.items():
        for call, requests in calls_of(client, names[size], items).items():
            for concurrency in CONCURRENCIES:
                result = hammer(endpoint, requests, concurrency=concurrency, seconds=options.seconds)
                figures.setdefault((call, concurrency), []).append(result.per_second)
    for (call, concurrency), (small, large) in figures.items():
        print(f"{call} c{concurrency}: {small:.0f}/s of {SMALL}, {large:.0f}/s of {options.items}, {large / small:.2f}")
    for size, name in names.items():
        measure_whole(client, name, size)


def fill(endpoint: Endpoint, client: Any, items: int) -> str:
    """A new table of so many items, a thousand to a partition."""
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
    print(f"filled {items} items in {filled.seconds:.0f} s, {filled.failures} requests failed", flush=True)
    return name


def calls_of(client: Any, name: str, items: int) -> dict[str, list[bytes]]:
    """The requests to measure on a table of so many items, all over it."""
    partitions = max(1, items // LARGE_PARTITION)
    places = [(at * 7919 // LARGE_PARTITION % partitions, at * 7919 % LARGE_PARTITION) for at in range(500)]
    own = [{"TableName": name, "Key": key(*place)} for place in places]
    update = {"UpdateExpression": "ADD visits :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
    queries = [{"TableName": name, **query_of(place[0]), "Limit": QUERIED} for place in places]
    puts = [{"TableName": name, "Item": {**key(*place), **ITEM}} for place in places]
    return {
        "GetItem": presign(client, [("get_item", request) for request in own]),
        "PutItem": presign(client, [("put_item", request) for request in puts]),
        "UpdateItem": presign(client, [("update_item", {**request, **update}) for request in own]),
        "Query forward": presign(client, [("query", request) for request in queries]),
        "Query backward": presign(client, [("query", {**request, "ScanIndexForward": False}) for request in queries]),
        "Scan, 10": presign(client, [("scan", {"TableName": name, "Limit": QUERIED})]),
    }


def measure_whole(client: Any, name: str, size: str) -> None:
    """How long what concerns the whole table takes; the table is gone afterwards."""
    print(f"{size}: DescribeTable {timed(lambda: client.describe_table(TableName=name)):.3f} s,", end=" ")
    print(f"again {timed(lambda: client.describe_table(TableName=name)):.3f} s;", end=" ", flush=True)
    index = {
        "IndexName": "by-total",
        "KeySchema": [{"AttributeName": "total", "KeyType": "HASH"}, {"AttributeName": "place", "KeyType": "RANGE"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    definitions = [
        {"AttributeName": "total", "AttributeType": "N"},
        {"AttributeName": "place", "AttributeType": "N"},
    ]

    def add_index() -> None:
        client.update_table(
            TableName=name, AttributeDefinitions=definitions, GlobalSecondaryIndexUpdates=[{"Create": index}]
        )

    print(f"UpdateTable with an index {timed(add_index):.3f} s,", end=" ", flush=True)
    print(f"filled after {timed(lambda: wait_until_filled(client, name)):.1f} s;", end=" ", flush=True)
    print(f"DeleteTable {timed(lambda: client.delete_table(TableName=name)):.3f} s", flush=True)


def wait_until_filled(client: Any, name: str) -> None:
    """Wait until the table's index is ACTIVE, which it is at last."""
    ends = time.monotonic() + _LONGEST_FILL_S
    while time.monotonic() < ends:
        (index,) = client.describe_table(TableName=name)["Table"]["GlobalSecondaryIndexes"]
        if index["IndexStatus"] == "ACTIVE":
            return
        time.sleep(_POLL_S)
    raise TimeoutError("the index was not filled in time")


def timed(call: Any) -> float:
    """How many seconds a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
