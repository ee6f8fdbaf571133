"""The examples of docs/testing.md, run as they are by a pytest of their own against a running Simfra."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
MAX_RUN_S = 120

BLOCKS = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/testing.md").read_text(), re.MULTILINE | re.DOTALL)
CONFTEST, *EXAMPLES = BLOCKS


def test_there_are_examples() -> None:
    assert "pytest_plugins" in CONFTEST
    assert len(EXAMPLES) >= 3


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: re.findall(r"def (test_\w+)", text)[0])
def test_an_example_does_what_it_says(live_gateway: str, tmp_path: Path, example: str) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_example.py").write_text(example)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "SIMFRA_URL": live_gateway}
    # A suite of somebody else's has no plugins of ours but the one that it names.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:django", "-p", "no:cacheprovider", "."]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=MAX_RUN_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
