"""The project's own rules: style, types, who may import whom, migrations and generated files."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAX_S = 600


def run(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=MAX_S,
        check=False,
    )


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy",),
        ("importlinter.cli", "lint"),
        ("django", "check", "--settings", "simfra.settings"),
        ("django", "makemigrations", "--check", "--dry-run", "--settings", "simfra.settings"),
        ("django", "shapes", "--check", "--settings", "simfra.settings"),
        ("django", "ecs_fields", "--check", "--settings", "simfra.settings"),
        ("django", "coverage", "--check", "--settings", "simfra.settings"),
    ],
    ids=" ".join,
)
def test_the_project_keeps_its_rules(command: tuple[str, ...]) -> None:
    result = run(*command)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-3000:]


def test_every_requirement_is_pinned() -> None:
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-bench.txt"):
        for line in (ROOT / name).read_text().splitlines():
            requirement = line.partition("#")[0].strip()
            if requirement and not requirement.startswith("-r "):
                assert re.match(r"^[A-Za-z0-9._-]+(\[[\w,]+\])?==[\w.]+(; .*)?$", requirement), requirement


def test_the_top_level_is_what_the_customer_fixed() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    folders = {path.split("/")[0] for path in tracked if "/" in path and not path.startswith(".")}
    assert folders == {"simfra", "aws_api", "console", "workers", "sidecar", "tests", "bench", "docs", "docker"}
