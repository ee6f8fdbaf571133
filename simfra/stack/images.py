"""Simfra's own images: the sidecar, and a base for it where no registry can be reached."""

import hashlib
import io
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from simfra.stack import provision
from simfra.stack.engine import Engine, EngineError
from simfra.stack.steps import Step, Steps

PROJECT = Path(__file__).resolve().parent.parent.parent
DEFAULT_BASE = "debian:bookworm-slim"
OWN_BASE = "simfra-base"
_DEBOOTSTRAP_TIMEOUT_S = 900
#: What the sidecar is built from; its tag changes with any of it.
_SIDECAR_SOURCES = ("Dockerfile", "docker/ca", "sidecar")
#: Documentation and translations: half of a minimal Debian, and nobody reads them in a container.
_NOT_IN_A_BASE = ("usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian")
_NEVER_IN_A_BASE = ("var/cache/apt/archives", "var/lib/apt/lists", "var/log")


class ImageError(Exception):
    """An image could not be made; the message says why and what helps."""


def ensure_sidecar(engine: Engine, steps: Steps, may_provision: bool) -> str:
    """The sidecar image's name; it is built when its sources changed. Raises ImageError, EngineError."""
    base = wanted_base()
    files = list(_sidecar_files())
    tag = f"simfra-sidecar:{_content_hash(base, files)}"
    if engine.has_image(tag):
        return tag
    arguments = {"BASE_IMAGE": ensure_base(engine, base, steps, may_provision)}
    note = "pause container, VPC gateway and load balancer in one; half a minute, once"
    with steps.step("Building the sidecar image", note) as step:
        engine.build(_archive(files), target="sidecar", tag=tag, arguments=arguments, say=step.show)
        step.result = f"[dim]{tag}[/dim]"
    return tag


def ensure_base(engine: Engine, wanted: str, steps: Steps, may_provision: bool) -> str:
    """The wanted base image, pulled, or one of our own making where it is not to be had."""
    if engine.has_image(wanted):
        return wanted
    own = own_base()
    if own and engine.has_image(own):
        return own
    try:
        with steps.step(f"Pulling {wanted}") as step:
            try:
                engine.pull(wanted, step.show)
            except EngineError:
                step.warn("[yellow]not to be had[/yellow]")
                raise
    except EngineError as error:
        release = host_release()
        if release is None:
            raise ImageError(
                f"{wanted} cannot be pulled ({error}), and this is no Debian to build one from."
            ) from error
        _build_base(engine, release, own, steps, may_provision)
        return own
    return wanted


def wanted_base() -> str:
    """The base image that the sidecar is built on."""
    return os.environ.get("SIMFRA_BASE_IMAGE", DEFAULT_BASE)


def own_base() -> str:
    """The name of the base image that this machine can build; empty where it cannot."""
    release = host_release()
    return f"{OWN_BASE}:{release.codename}" if release else ""


@dataclass(frozen=True, kw_only=True)
class Release:
    """The Debian or Ubuntu that this machine runs, and where it gets its packages."""

    codename: str
    mirror: str
    components: str


def host_release() -> Release | None:
    """This machine's release, None where it is neither Debian nor Ubuntu."""
    try:
        text = Path("/etc/os-release").read_text()
    except FileNotFoundError:
        return None
    facts = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    codename = facts.get("VERSION_CODENAME", "").strip('"')
    folder = Path("/etc/apt")
    paths = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    mirror = find_mirror((path.read_text() for path in paths if path.is_file()), codename)
    components = "main,universe" if facts.get("ID") == "ubuntu" else "main"
    return Release(codename=codename, mirror=mirror, components=components) if mirror else None


def find_mirror(sources: Iterable[str], codename: str) -> str:
    """The address that apt fetches a release from, out of the text of its sources, in either format; empty if none."""
    for text in sources:
        stanza: dict[str, str] = {}
        for line in [*text.splitlines(), ""]:
            words = line.split()
            if not words:
                if codename in stanza.get("Suites", "").split():
                    return stanza.get("URIs", "").split()[0]
                stanza = {}
            elif words[0] == "deb":
                # deb [options] URI SUITE COMPONENT...
                plain = [word for word in words[1:] if not (word.startswith("[") or word.endswith("]"))]
                if len(plain) > 2 and plain[1] == codename and plain[0].startswith("http"):
                    return plain[0]
            elif ":" in words[0] and not line.startswith("#"):
                name, value = line.split(":", 1)
                stanza[name.strip()] = value.strip()
    return ""


def _build_base(engine: Engine, release: Release, name: str, steps: Steps, may_provision: bool) -> None:
    if os.geteuid() != 0:
        raise ImageError("No base image can be pulled, and building one needs root. Or set SIMFRA_BASE_IMAGE.")
    if may_provision:
        provision.packages(steps, provision.BASE_PACKAGES)
    elif "debootstrap" not in provision.this_machine().commands:
        raise ImageError("No base image can be pulled. With debootstrap one is built: run `manage.py up --provision`.")
    note = f"Debian packages of {release.codename} by debootstrap; a minute or two, once"
    with (
        steps.step(f"Building the base image {name}", note) as step,
        tempfile.TemporaryDirectory(dir="/var/tmp") as scratch,
    ):
        root = Path(scratch) / "root"
        _debootstrap(release, root, step)
        _slim(root)
        step.show("docker import")
        with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as archive:
            assert archive.stdout is not None
            engine.import_root(archive.stdout, name, step.show)


def _debootstrap(release: Release, root: Path, step: Step) -> None:
    command = [
        "debootstrap",
        "--variant=minbase",
        "--include=ca-certificates",
        f"--components={release.components}",
        release.codename,
        str(root),
        release.mirror,
    ]
    environment = {**os.environ, "PATH": provision.search_path()}
    lines: list[str] = []
    with subprocess.Popen(
        ["timeout", str(_DEBOOTSTRAP_TIMEOUT_S), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            step.show(line.strip())
    if process.returncode:
        raise ImageError("debootstrap failed:\n" + "".join(lines[-10:]))


def _slim(root: Path) -> None:
    """Delete what a container has no use for, and keep later installations from bringing it back."""
    for folder in (*_NOT_IN_A_BASE, *_NEVER_IN_A_BASE):
        for path in sorted((root / folder).rglob("*"), reverse=True):
            if path.is_symlink() or path.is_file():
                path.unlink()
    excluded = "".join(f"path-exclude /{folder}/*\n" for folder in _NOT_IN_A_BASE)
    (root / "etc/dpkg/dpkg.cfg.d/slim").write_text(excluded)


def _sidecar_files() -> Iterator[Path]:
    """The files that the sidecar is built from, relative to the project, in a stable order."""
    for source in _SIDECAR_SOURCES:
        path = PROJECT / source
        found = [path] if path.is_file() else sorted(path.rglob("*"))
        for file in found:
            if file.is_file() and "__pycache__" not in file.parts:
                yield file.relative_to(PROJECT)


def _content_hash(base: str, files: Iterable[Path]) -> str:
    digest = hashlib.sha256(base.encode())
    for file in files:
        mode = (PROJECT / file).stat().st_mode & 0o111
        digest.update(f"\0{file}\0{mode}\0".encode() + (PROJECT / file).read_bytes())
    return digest.hexdigest()[:12]


def _archive(files: Iterable[Path]) -> io.BytesIO:
    """A build context of these files, the same whoever packs it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for file in files:
            member = archive.gettarinfo(str(PROJECT / file), arcname=str(file))
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            with (PROJECT / file).open("rb") as content:
                archive.addfile(member, content)
    buffer.seek(0)
    return buffer
