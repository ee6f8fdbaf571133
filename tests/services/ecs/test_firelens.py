"""FireLens: what a log router is told, what is refused, and output that reaches it on a real engine."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws_api.core import log_tail
from aws_api.core.execution import run_on_loop
from aws_api.services.ecs.firelens import Routing, router_files
from tests.services.ecs.conftest import Register
from tests.services.ecs.docker_stage import PATIENCE_S, DockerStage, docker_settings, docker_stage, shell
from tests.services.ecs.stage import Stage
from tests.support.images import python_image
from tests.support.waiting import wait_for
from workers.docker import engine

__all__ = ["docker_settings", "docker_stage"]

TASK_ARN = "arn:aws:ecs:us-east-1:000000000000:task/default/0123"
OUTPUT = {"logDriver": "awsfirelens", "options": {"Name": "stdout", "Format": "json_lines"}}


def routing(kind: str, options: dict[str, dict[str, str]], **firelens: str) -> Routing:
    return Routing(
        router={"name": "router", "firelensConfiguration": {"type": kind, "options": firelens}},
        network_mode="awsvpc",
        cluster="default",
        task_arn=TASK_ARN,
        task_definition="web:3",
        options=options,
    )


def test_fluent_bit_is_told_inputs_filters_and_outputs() -> None:
    options = {"app": {"Name": "http", "Match": "*", "Host": "logs.local", "exclude-pattern": "^debug"}}
    external = {"config-file-type": "file", "config-file-value": "/extra.conf"}
    (text,) = router_files(routing("fluentbit", options, **external)).values()
    assert text.decode() == (
        "[INPUT]\n    Name forward\n    unix_path /var/run/fluent.sock\n\n"
        "[INPUT]\n    Name forward\n    Listen 127.0.0.1\n    Port 24224\n\n"
        "[INPUT]\n    Name tcp\n    Tag firelens-healthcheck\n    Listen 127.0.0.1\n    Port 8877\n\n"
        "[FILTER]\n    Name grep\n    Match app-firelens*\n    Exclude log ^debug\n\n"
        "[FILTER]\n    Name record_modifier\n    Match *\n"
        f"    Record ecs_cluster default\n    Record ecs_task_arn {TASK_ARN}\n    Record ecs_task_definition web:3\n\n"
        "@INCLUDE /extra.conf\n\n"
        "[OUTPUT]\n    Name null\n    Match firelens-healthcheck\n\n"
        "[OUTPUT]\n    Name http\n    Match app-firelens*\n    Host logs.local\n"
    )


def test_fluentd_is_told_the_same_in_its_words() -> None:
    options = {"app": {"@type": "file", "path": "/logs/app"}}
    files = router_files(routing("fluentd", options, **{"config-file-type": "s3", "config-file-value": "arn:x"}), b"#")
    assert files["/fluentd/etc/external.conf"] == b"#"
    text = files["/fluentd/etc/fluent.conf"].decode()
    assert "<source>\n    @type unix\n    path /var/run/fluent.sock\n</source>\n" in text
    assert "<filter **>\n    @type record_transformer\n    <record>\n        ecs_cluster default\n" in text
    assert "@include /fluentd/etc/external.conf\n" in text
    assert text.endswith("<match app-firelens**>\n    @type file\n    path /logs/app\n</match>\n")


def test_metadata_and_outputs_may_be_left_to_the_user() -> None:
    files = router_files(routing("fluentbit", {"app": {}}, **{"enable-ecs-log-metadata": "false"}))
    text = next(iter(files.values())).decode()
    assert "record_modifier" not in text
    assert text.count("[OUTPUT]") == 1


@pytest.mark.parametrize(
    ("containers", "words"),
    [
        ([{"name": "app", "logConfiguration": OUTPUT}], "firelensConfiguration object"),
        ([{"name": "router", "firelensConfiguration": {"type": "fluentbit"}}], "awsfirelens log driver"),
        (
            [
                {"name": "app", "logConfiguration": OUTPUT},
                {"name": "one", "firelensConfiguration": {"type": "fluentbit"}},
                {"name": "two", "firelensConfiguration": {"type": "fluentbit"}},
            ],
            "At most one container",
        ),
    ],
)
def test_routers_and_those_they_route_come_together(
    register: Register, containers: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(ClientError, match=words):
        register("app", *containers)


def test_the_router_starts_first_and_programs_find_it(stage: Stage, register: Register) -> None:
    register(
        "app",
        {"name": "app", "logConfiguration": OUTPUT},
        {"name": "router", "firelensConfiguration": {"type": "fluentbit"}},
    )
    arn = stage.run("app")
    app, router = stage.spec(arn, "app"), stage.spec(arn, "router")
    assert (app.environment["FLUENT_HOST"], app.environment["FLUENT_PORT"]) == ("router", "24224")
    assert app.links == ((router.name, "router"),)
    assert "FLUENT_HOST" not in router.environment
    assert app.forwards_log is not None
    assert app.forwards_log.tag == f"app-firelens-{arn.rpartition('/')[2]}"
    assert [(mount.source, mount.target) for mount in router.mounts] == [(app.forwards_log.volume, "/var/run")]
    assert b"Match app-firelens*" in router.files["/fluent-bit/etc/fluent-bit.conf"]


#: Keeps what comes in as text, escaped byte by byte, so that it is whole wherever the stream was cut.
_RECEIVER = r"""
import socket, threading
listener = socket.socket(socket.AF_UNIX)
listener.bind("/var/run/fluent.sock")
listener.listen()
def read(connection):
    with open("/tmp/received", "a", buffering=1) as received:
        while data := connection.recv(65536):
            received.write(repr(data)[2:-1])
            received.flush()
while True:
    threading.Thread(target=read, args=(listener.accept()[0],), daemon=True).start()
"""


@pytest.mark.docker
def test_output_reaches_the_router_once_and_the_console_too(docker_stage: DockerStage) -> None:
    router = {
        "name": "router",
        "image": python_image(),
        "memory": 128,
        "command": ["python3", "-u", "-c", _RECEIVER],
        "firelensConfiguration": {"type": "fluentbit"},
        "stopTimeout": 1,
    }
    script = "i=0; while [ $i -lt 200 ]; do echo line-$i-end; i=$((i+1)); done; echo problem >&2; sleep 600"
    task = docker_stage.run(shell(script, logConfiguration=OUTPUT, stopTimeout=1), router, until="RUNNING")
    tag = f"app-firelens-{task['taskArn'].rpartition('/')[2]}"

    # The two streams come in an order of their own: what ends one is not the end of the other.
    expected = [*(f"line-{number}-end" for number in range(200)), "problem"]

    def received() -> str:
        text = docker_stage.inside(task, "router", "cat /tmp/received 2>/dev/null")
        return text if all(line in text for line in expected) else ""

    text = wait_for(received, timeout_s=PATIENCE_S, every_s=0.2, what="the output") or ""
    configuration = docker_stage.inside(task, "router", "cat /fluent-bit/etc/fluent-bit.conf")
    assert f"Record ecs_task_arn {task['taskArn']}" in configuration
    assert tag in text
    assert [text.count(line) for line in expected] == [1] * 201
    assert "stderr" in text
    tail_name = docker_stage.container(task, "app")

    def shown() -> list[str]:
        lines = [entry.line.message for entry in run_on_loop(log_tail.read(tail_name))]
        return lines if set(lines) >= set(expected) else []

    assert sorted(wait_for(shown, timeout_s=PATIENCE_S, every_s=0.2, what="the console's lines") or []) == sorted(
        expected
    )


@pytest.mark.docker
def test_fluent_bit_itself_takes_its_configuration(docker_stage: DockerStage, aws: Callable[..., Any]) -> None:
    image = next(
        (tag for found in engine.client().images() for tag in found.get("RepoTags") or () if "fluent-bit" in tag),
        None,
    )
    if image is None:
        pytest.skip("FLUENT-BIT ITSELF IS NOT TRIED: the engine has no image of it, and Debian no package")
    router = {"name": "router", "image": image, "memory": 128, "firelensConfiguration": {"type": "fluentbit"}}
    task = docker_stage.run(shell("echo hello; sleep 600", logConfiguration=OUTPUT), router, until="RUNNING")
    name = docker_stage.container(task, "router")
    wait_for(
        lambda: '"log":"hello"' in engine.client().logs(name).decode(),
        timeout_s=PATIENCE_S,
        every_s=0.5,
        what="fluent-bit's output",
    )
