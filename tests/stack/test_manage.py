"""manage.py before there is a virtual environment: in a copy of its own, with requirements that need no network."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack.conftest import ROOT

#: The Python that a user would start manage.py with, outside any virtual environment.
SYSTEM_PYTHON = getattr(sys, "_base_executable", sys.executable)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project of manage.py alone, with nothing to install."""
    shutil.copy(ROOT / "manage.py", tmp_path)
    (tmp_path / "requirements.txt").write_text("-r more.txt\n")
    (tmp_path / "more.txt").write_text("# nothing yet\n")
    return tmp_path


def manage(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SYSTEM_PYTHON, "manage.py", *arguments],
        cwd=tree,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_the_environment_is_made_once_and_follows_the_pins(tree: Path) -> None:
    first = manage(tree, "install")
    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stdout.startswith(f"Making a virtual environment in {tree}/.venv ...\nInstalling 0 pinned packages")
    assert (tree / ".venv" / "bin" / "python").exists()
    assert manage(tree, "install").stdout == "", "nothing changed, so it costs nothing"

    (tree / "more.txt").write_text("./there-is-no-such-package\n")
    for _ in range(2):
        failed = manage(tree, "install")
        assert failed.returncode == 1
        assert "there-is-no-such-package" in failed.stderr
        assert "pip failed; nothing was started." in failed.stderr


def test_help_needs_no_environment(tree: Path) -> None:
    shown = manage(tree)
    assert shown.returncode == 0
    assert "manage.py up [--provision]" in shown.stdout
    assert not (tree / ".venv").exists()
