"""Images for tests that run real containers, built from what Debian's packages give: no registry is asked."""

import io
import os
import subprocess
import tarfile
import tempfile
from functools import cache
from pathlib import Path

from simfra.stack.engine import Engine, find_engine
from simfra.stack.images import ensure_sidecar
from simfra.stack.steps import Steps

BUSYBOX = "simfra-test-busybox:1"
_TIMEOUT_S = 120


@cache
def busybox_image() -> str:
    """An image of Debian's static busybox: a shell, httpd, wget, nslookup, nc. About 2 MB."""
    engine = find_engine()
    if not engine.has_image(BUSYBOX):
        _import(engine, BUSYBOX, _busybox_root(_busybox()))
    return BUSYBOX


@cache
def sidecar_image() -> str:
    """The sidecar image of this tree: SIMFRA_SIDECAR_IMAGE where whoever runs the tests built it."""
    return os.environ.get("SIMFRA_SIDECAR_IMAGE") or ensure_sidecar(find_engine(), Steps(), may_provision=False)


def _busybox() -> bytes:
    with tempfile.TemporaryDirectory(prefix="simfra-busybox-") as folder:
        # As root, apt would hand the download to a user who may not write here.
        _run("apt-get", "download", "-o", "APT::Sandbox::User=root", "busybox-static", folder=folder)
        (package,) = Path(folder).glob("*.deb")
        _run("dpkg-deb", "-x", str(package), f"{folder}/root")
        return next(Path(folder, "root").rglob("bin/busybox")).read_bytes()


def _busybox_root(busybox: bytes) -> dict[str, bytes | str]:
    """The files of the root directory; text stands for a link's target."""
    with tempfile.TemporaryDirectory(prefix="simfra-busybox-") as folder:
        program = Path(folder, "busybox")
        program.write_bytes(busybox)
        program.chmod(0o755)
        applets = _run(str(program), "--list").decode().split()
    links = {f"bin/{applet}": "busybox" for applet in applets if applet != "busybox"}
    return {"bin/busybox": busybox, "etc/passwd": b"root:x:0:0:root:/:/bin/sh\n", "tmp/.keep": b"", **links}


def _import(engine: Engine, name: str, files: dict[str, bytes | str]) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.mode = 0o755
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                tar.addfile(entry)
            else:
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    archive.seek(0)
    engine.import_root(archive, name, lambda _: None)


def _run(*command: str, folder: str | None = None) -> bytes:
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=_TIMEOUT_S).stdout
