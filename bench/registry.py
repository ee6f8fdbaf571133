"""A large image through the registry and back, with the gateway's peak memory, beside what the machine can do at all.

    python -m bench.registry [--megabytes 200]

Starts a gateway with servers of its own in a temporary directory, so nothing else is on it. The layer is random:
nothing compresses it. Floors of the same run: hashing and writing the same bytes to the same disk, packing them, and
``docker save`` and ``docker load`` of the same image, which the engine does without any registry. While docker pushes,
a trivial request is sent over and over: its slowest answer says whether the event loop stayed free.
"""

import argparse
import hashlib
import http.client
import os
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3

from simfra.stack.servers import EmbeddedServers

ACCOUNT = "000000000000"
MEBIBYTE = 1024 * 1024
READY_WITHIN_S = 60
MEMORY_GOAL_MB = 100


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=200)
    size = parser.parse_args().megabytes * MEBIBYTE
    with tempfile.TemporaryDirectory(prefix="simfra-bench-") as directory:
        data = Path(directory)
        content = data / "layer"
        write_random(content, size)
        report("floor: hash and write", size, timed(lambda: hash_and_write(content, data / "copy")))
        report("floor: gzip, as docker push does", size, timed(lambda: gzip(content)))
        with running_gateway(data) as (port, process):
            print(f"{'gateway at rest':34}{peak_memory_mb(process):8.0f} MB peak")
            measure_raw(port, content, size)
            measure_docker(port, content, size, data)
            peak = peak_memory_mb(process)
    print(f"{'gateway in the end':34}{peak:8.0f} MB peak (goal: below {MEMORY_GOAL_MB})")


def measure_raw(port: int, content: Path, size: int) -> None:
    """The same protocol without docker's own work."""
    create_repository(port, "raw")
    digest = f"sha256:{hashlib.sha256(content.read_bytes()).hexdigest()}"
    report("raw upload", size, timed(lambda: upload(port, content, digest)))
    report("raw download", size, timed(lambda: download(port, digest, size)))


def measure_docker(port: int, content: Path, size: int, data: Path) -> None:
    """Push, pull and load by the real engine."""
    create_repository(port, "bench")
    image = f"localhost:{port}/{ACCOUNT}/bench:1"
    archive, packed = data / "archive", data / "image.tar"
    with tarfile.open(packed, "w") as tar:
        tar.add(content, "layer")
    docker("import", str(packed), image)
    try:
        with slowest_answer(port) as slowest:
            report("docker push", size, timed(lambda: docker("push", image)))
        print(f"{'  slowest small answer meanwhile':34}{slowest[0] * 1000:8.0f} ms")
        report("floor: docker save", size, timed(lambda: docker("save", "-o", str(archive), image)))
        docker("rmi", image)
        report("docker pull", size, timed(lambda: docker("pull", image)))
        docker("rmi", image)
        report("floor: docker load of that", size, timed(lambda: docker("load", "-i", str(archive))))
    finally:
        docker("rmi", "--force", image)


def write_random(path: Path, size: int) -> None:
    """A file that does not compress."""
    with path.open("wb") as file:
        for _ in range(size // MEBIBYTE):
            file.write(os.urandom(MEBIBYTE))


def hash_and_write(source: Path, target: Path) -> None:
    """What any registry must do with a layer, at the least."""
    computed = hashlib.sha256()
    with source.open("rb") as reader, target.open("wb") as writer:
        while chunk := reader.read(MEBIBYTE):
            computed.update(chunk)
            writer.write(chunk)
        writer.flush()
        os.fsync(writer.fileno())


def gzip(source: Path) -> None:
    """The engine packs a layer before it sends it, at gzip's usual level."""
    with source.open("rb") as file:
        subprocess.run(["gzip", "-c"], stdin=file, stdout=subprocess.DEVNULL, check=True)


def upload(port: int, content: Path, digest: str) -> None:
    """POST, PATCH with a chunked body, PUT."""
    connection = http.client.HTTPConnection("localhost", port)
    connection.request("POST", f"/v2/{ACCOUNT}/raw/blobs/uploads/")
    location = finish(connection, 202)["location"]
    with content.open("rb") as file:
        connection.request("PATCH", location, body=iter(lambda: file.read(MEBIBYTE), b""), encode_chunked=True)
    finish(connection, 202)
    connection.request("PUT", f"{location}?digest={digest}")
    finish(connection, 201)


def download(port: int, digest: str, size: int) -> None:
    """GET of a whole blob."""
    connection = http.client.HTTPConnection("localhost", port)
    connection.request("GET", f"/v2/{ACCOUNT}/raw/blobs/{digest}")
    response = connection.getresponse()
    received = 0
    while chunk := response.read(MEBIBYTE):
        received += len(chunk)
    assert (response.status, received) == (200, size)


def finish(connection: http.client.HTTPConnection, status: int) -> http.client.HTTPMessage:
    """Read an answer to its end; returns its headers."""
    response = connection.getresponse()
    body = response.read()
    assert response.status == status, body
    return response.headers


@contextmanager
def slowest_answer(port: int) -> Iterator[list[float]]:
    """Ask for ``/v2/`` all the time while the block runs; the list's one element is the slowest answer in seconds."""
    slowest, ended = [0.0], threading.Event()

    def ask() -> None:
        connection = http.client.HTTPConnection("localhost", port)
        while not ended.wait(0.01):
            started = time.perf_counter()
            connection.request("GET", "/v2/")
            finish(connection, 200)
            slowest[0] = max(slowest[0], time.perf_counter() - started)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield slowest
    finally:
        ended.set()
        asking.join()


@contextmanager
def running_gateway(data: Path) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """A gateway on a free port, with Postgres and Valkey of its own that flush to disk."""
    servers = EmbeddedServers(data / "state")
    servers.start()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "simfra.settings",
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "SIMFRA_DATA_DIR": str(data / "state"),
        "SIMFRA_INSTANCE": f"bench-{os.getpid()}",
        "SIMFRA_PORT": str(port),
    }
    subprocess.run([sys.executable, "-m", "django", "migrate", "--verbosity=0"], env=environment, check=True)
    command = [sys.executable, "-m", "uvicorn", "simfra.asgi:application", "--port", str(port), "--log-level", "error"]
    gateway = subprocess.Popen(command, env=environment)
    try:
        deadline = time.monotonic() + READY_WITHIN_S
        while not accepts(port):
            assert time.monotonic() < deadline and gateway.poll() is None, "the gateway did not start"
            time.sleep(0.05)
        yield port, gateway
    finally:
        gateway.terminate()
        gateway.wait(30)
        servers.remove()


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def create_repository(port: int, name: str) -> None:
    """Through the API, as root of the default account."""
    client = boto3.client(
        "ecr",
        endpoint_url=f"http://localhost:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client.create_repository(repositoryName=name)


def docker(*arguments: str) -> None:
    subprocess.run(["docker", *arguments], check=True, stdout=subprocess.DEVNULL)


def peak_memory_mb(process: "subprocess.Popen[bytes]") -> float:
    """The most resident memory that the process ever had."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def timed(function: Callable[[], object]) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def report(what: str, size: int, seconds: float) -> None:
    print(f"{what:34}{seconds:8.2f} s {size / MEBIBYTE / seconds:8.0f} MiB/s")


if __name__ == "__main__":
    main()
