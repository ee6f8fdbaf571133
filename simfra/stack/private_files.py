"""Directories and secrets that only their owner can read."""

import contextlib
import os
import secrets
from pathlib import Path


def private_directory(path: Path) -> Path:
    """Make a directory that only its owner can enter; an existing one is left as its owner set it."""
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def write_private(path: Path, text: str) -> None:
    """Replace a file's content at once: readers see the old or the new text, and only the owner sees either."""
    private_directory(path.parent)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    unfinished.replace(path)


def kept_secret(path: Path) -> str:
    """The secret in a file: 256 random bits, URL-safe, made the first time and the same ever after."""
    if not path.exists():
        candidate = path.with_name(f".{path.name}.{os.getpid()}.new")
        write_private(candidate, secrets.token_urlsafe(32))
        with contextlib.suppress(FileExistsError):  # another process was quicker: its secret counts
            os.link(candidate, path)
        candidate.unlink()
    return path.read_text()
