"""Whatever the documents tell people to type is typed by a test: here, or where this table says."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAX_RUN_S = 120
BLOCK = re.compile(r"^```(?:\w+)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
#: Every block's first line, and the file that runs it.
WHERE = {
    "README.md": {
        "python3 manage.py up --provision": ".ci/run",
        "export AWS_ENDPOINT_URL=http://localhost:4599": "tests/testing/test_documents.py",
        "python3 manage.py connect": "tests/end_to_end/test_host_ports.py",
    },
    "docs/testing.md": {
        "$ python3 manage.py up --detach": "tests/testing/test_examples.py",
        'pytest_plugins = ["simfra.testing.plugin"]': "tests/testing/test_examples.py",
        "def test_": "tests/testing/test_examples.py",
        "WORLD = ": "tests/testing/test_examples.py",
    },
    "docs/admin-api.md": {"$ curl -s http://localhost:4599/_simfra/": "tests/testing/test_documents.py"},
    "docs/worked-example.md": {"": "tests/end_to_end/test_worked_example.py"},
}


def blocks(name: str) -> list[str]:
    return BLOCK.findall((ROOT / name).read_text())


def test_every_block_is_run_by_a_test() -> None:
    for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        name = str(path.relative_to(ROOT))
        for block in blocks(name):
            runners = [runner for start, runner in WHERE.get(name, {}).items() if block.startswith(start)]
            assert runners, f"{name} has an example that no test runs:\n{block}"
            assert all((ROOT / runner).exists() for runner in runners)


def test_what_ups_last_lines_export_leads_the_aws_cli_here(live_gateway: str) -> None:
    (exports,) = [block for block in blocks("README.md") if block.startswith("export AWS_ENDPOINT_URL")]
    said = run(exports.replace("http://localhost:4599", live_gateway) + "aws sts get-caller-identity --output text")
    assert "arn:aws:iam::000000000000:root" in said


@pytest.mark.parametrize("block", blocks("docs/admin-api.md"), ids=lambda block: block.split()[3].rpartition("/")[2])
def test_an_example_of_the_admin_api_is_answered(live_gateway: str, block: str) -> None:
    keys = "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    run(f"{keys} AWS_DEFAULT_REGION=us-east-1 aws --endpoint-url {live_gateway} sqs create-queue --queue-name orders")
    command = block.removeprefix("$ ").replace("http://localhost:4599", live_gateway)
    try:
        said = run(command.replace("curl -s", "curl -s --fail-with-body"))
        assert said.startswith("{") and '"error"' not in said
    finally:
        run(f"curl -s -X DELETE {live_gateway}/_simfra/faults")


def test_a_file_of_calls_makes_an_account(live_gateway: str, tmp_path: Path) -> None:
    call = {"service": "sqs", "operation": "CreateQueue", "parameters": {"QueueName": "orders"}}
    (tmp_path / "world.json").write_text(json.dumps([call]))
    command = documented_command("bootstrap world.json --account 111111111111")
    assert "1 calls made." in run(command.replace("world.json", str(tmp_path / "world.json")))


@pytest.mark.skipif(shutil.which("terraform") is None, reason="There is no terraform.")
def test_a_terraform_directory_is_applied_with_the_accounts_keys(live_gateway: str, tmp_path: Path) -> None:
    told = tmp_path / "told"
    (tmp_path / "main.tf").write_text(
        'resource "terraform_data" "told" {\n  provisioner "local-exec" {\n'
        f'    command = "echo $AWS_ENDPOINT_URL $AWS_REGION $AWS_ACCESS_KEY_ID > {told}"\n  }}\n}}\n'
    )
    run(documented_command("bootstrap infrastructure/").replace("infrastructure/", str(tmp_path)), live_gateway)
    assert told.read_text().split()[:2] == [live_gateway, "us-east-1"]


def documented_command(end: str) -> str:
    """A line of `manage.py` as docs/testing.md has it, for this Python."""
    command = f"python3 manage.py {end}"
    assert f"`{command}`" in (ROOT / "docs/testing.md").read_text()
    return command.replace("python3", sys.executable)


def run(script: str, endpoint: str = "") -> str:
    """What a line of shell says; it must not fail."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    if endpoint:
        environment |= {"SIMFRA_ENDPOINT": endpoint, "SIMFRA_PORT": str(urlsplit(endpoint).port)}
    done = subprocess.run(
        ["sh", "-ec", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=MAX_RUN_S,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    return done.stdout
