"""The table of docs/performance.md: Simfra beside ministack and moto, interleaved in one run.

    python -m bench --peers PEERS [--rounds 3] [--seconds 1] [--write | --quick]

Starts everything itself: a gateway with servers of its own and the peers from their virtual environment
(bench/peers.py). Requests are signed beforehand and replayed (bench/load.py); only Simfra verifies the signatures.
Each figure is the median of the rounds, each ratio the median of the rounds' ratios. ``--quick`` shows in two minutes
whether everything still works: one round, ``process`` alone, without the slow peer.
"""

import argparse
import platform
import signal
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench import dynamodb, floor, others, sqs
from bench.gateway import PROJECT, running_gateway
from bench.load import Endpoint
from bench.peers import running_peers
from bench.table import Table
from bench.usage import memory_mb

PAGE = PROJECT / "docs" / "performance.md"
GENERATED = "<!-- written by python -m bench -->"
AREAS = {"sqs": sqs.measure, "dynamodb": dynamodb.measure, "others": others.measure}
#: A peer this slow is measured in the first round alone, and once for all durabilities: it has none.
ONCE = frozenset({"moto"})
LATENCY_CALLS = 200


def main() -> None:
    """Measure, print the tables and, if asked to, write them down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, help="virtual environment with requirements-bench.txt")
    parser.add_argument("--durability", choices=("process", "disk"), action="append", default=[])
    parser.add_argument("--areas", choices=AREAS, action="append", default=[])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--quick", action="store_true", help="one round, to see that all is well")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.relative_to(PROJECT)}")
    options = parser.parse_args()
    if options.quick and options.write:
        parser.error("figures of one round are not written down")
    # Ended from outside, too, it ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    machine = _machine()
    areas = options.areas or list(AREAS)
    durabilities = options.durability or (("process",) if options.quick else ("process", "disk"))
    rounds = 1 if options.quick else options.rounds
    tables = [
        _run(durability, areas, options.peers, rounds, options.seconds, with_slow=number == 0 and not options.quick)
        for number, durability in enumerate(durabilities)
    ]
    text = "\n\n".join((machine, *tables))
    print(text)
    if options.write:
        before = PAGE.read_text().partition(GENERATED)[0] if PAGE.exists() else "# Performance\n\n"
        PAGE.write_text(f"{before}{GENERATED}\n\n{text}\n")


def _run(
    durability: str, areas: Sequence[str], peers: Path | None, rounds: int, seconds: float, *, with_slow: bool
) -> str:
    with running_gateway(durability) as gateway, running_peers(peers) as others_running:
        endpoints = [gateway.endpoint, *(one for one in others_running if with_slow or one.name not in ONCE)]
        table = Table([endpoint.name for endpoint in endpoints])
        memory_before = {endpoint.name: memory_mb(endpoint.processes) for endpoint in endpoints}
        for number in range(rounds):
            floor.measure(gateway, table, seconds)
            for area in areas:
                for endpoint in endpoints:
                    if number == 0 or endpoint.name not in ONCE:
                        AREAS[area](endpoint, table, seconds)
        latencies = {endpoint.name: _boto3_latency_ms(endpoint) for endpoint in endpoints}
        memory_after = {endpoint.name: memory_mb(endpoint.processes) for endpoint in endpoints}
    return (
        "\n\n".join(
            (
                f"## Durability `{durability}`",
                "Requests per second. p50 and p99 are Simfra's; CPU is what all processes of a server used for a "
                "request, Postgres and Valkey included. `floor` is an answer of our web server that does nothing, and "
                "one that inserts a row of 200 bytes: no committed write can be faster here.",
                table.markdown(),
                "| | " + " | ".join(latencies) + " |\n|---|" + "--:|" * len(latencies),
            )
        )
        + "".join(
            f"\n| {what} | " + " | ".join(form.format(values[name]) for name in latencies) + " |"
            for what, values, form in (
                ("memory at the start, MB", memory_before, "{:.0f}"),
                ("memory after the run, MB", memory_after, "{:.0f}"),
                ("boto3 get_caller_identity, ms", latencies, "{:.2f}"),
            )
        )
        + f"\n\nStart of servers, schema and gateway from nothing: {gateway.start_s:.1f} s."
    )


def _boto3_latency_ms(endpoint: Endpoint) -> float:
    """What one call takes as a program sees it: signing, parsing and all."""
    client = endpoint.client("sts")
    took = []
    for _ in range(LATENCY_CALLS):
        started = time.perf_counter()
        client.get_caller_identity()
        took.append(time.perf_counter() - started)
    return statistics.median(took) * 1000


def _machine() -> str:
    facts = _first_of("/proc/cpuinfo", "model name"), _first_of("/proc/meminfo", "MemTotal")
    cores = len([line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("processor")])
    load = Path("/proc/loadavg").read_text().split()[0]
    return (
        f"Machine: {cores} cores ({facts[0]}), memory {facts[1]}, {platform.system()} {platform.release()}, Python "
        f"{platform.python_version()}; load when the run began: {load}."
    )


def _first_of(path: str, name: str) -> str:
    fields = (line.partition(":") for line in Path(path).read_text().splitlines())
    return next((value.strip() for key, _, value in fields if key.strip() == name), "unknown")


if __name__ == "__main__":
    main()
