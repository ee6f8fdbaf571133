"""A flame graph of a gateway that answers one call again and again, one at a time.

    python -m bench.flame --peers PEERS --call GetItem --out get-item.svg

``PEERS`` is the virtual environment of requirements-bench.txt, for py-spy. Without the right to look into processes
(root, or kernel.yama.ptrace_scope=0) py-spy says so and ends.
"""

import argparse
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.dynamodb import ITEM, key, make_table
from bench.gateway import running_gateway
from bench.load import Endpoint, hammer, presign

SAMPLES_PER_S = 500
SECONDS = 10


def main() -> None:
    """Record, and say where the graph is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, required=True, help="virtual environment with requirements-bench.txt")
    parser.add_argument("--call", choices=CALLS, default="GetItem")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    with running_gateway("process") as gateway, ThreadPoolExecutor(1) as threads:
        requests = CALLS[options.call](gateway.endpoint)
        hammer(gateway.endpoint, requests, concurrency=1, seconds=1)
        load = threads.submit(hammer, gateway.endpoint, requests, concurrency=1, seconds=SECONDS + 2)
        command = [options.peers / "bin" / "py-spy", "record", "--pid", str(gateway.gateways[0].pid)]
        command += ["--rate", str(SAMPLES_PER_S), "--duration", str(SECONDS), "--function", "--output", options.out]
        subprocess.run(command, check=True, timeout=SECONDS + 60)
        print(f"{options.out}: {load.result().per_second:.0f} requests/s while it was made")


def _get_caller_identity(endpoint: Endpoint) -> list[bytes]:
    return presign(endpoint.client("sts"), [("get_caller_identity", {})])


def _send_message(endpoint: Endpoint) -> list[bytes]:
    client = endpoint.client("sqs")
    url = client.create_queue(QueueName="flame")["QueueUrl"]
    return presign(client, [("send_message", {"QueueUrl": url, "MessageBody": "x" * 200})])


def _get_item(endpoint: Endpoint) -> list[bytes]:
    return _of_items(endpoint, "get_item", lambda own: {"Key": own})


def _put_item(endpoint: Endpoint) -> list[bytes]:
    return _of_items(endpoint, "put_item", lambda own: {"Item": {**own, **ITEM}})


def _of_items(
    endpoint: Endpoint, method: str, parameters_of: Callable[[dict[str, Any]], dict[str, Any]]
) -> list[bytes]:
    client = endpoint.client("dynamodb")
    name = make_table(client)
    keys = [key(number, 0) for number in range(50)]
    for own in keys:
        client.put_item(TableName=name, Item={**own, **ITEM})
    return presign(client, [(method, {"TableName": name, **parameters_of(own)}) for own in keys])


CALLS: dict[str, Callable[[Endpoint], list[bytes]]] = {
    "GetCallerIdentity": _get_caller_identity,
    "GetItem": _get_item,
    "PutItem": _put_item,
    "SendMessage": _send_message,
}


if __name__ == "__main__":
    main()
