"""Blobs as files: one per content, shared by every repository of every account. Blocking; call it from a thread.

A blob is written below ``uploads/`` and renamed to its digest once that is proven, so a file below ``blobs/`` is
always whole. Whether a blob may be read is the rows' matter (Layer).
"""

import fcntl
import hashlib
import os
from collections import OrderedDict
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Protocol, Self
from uuid import UUID

from django.conf import settings

CHUNK_BYTES = 1024 * 1024
#: Hashes of uploads under way that this process remembers; a forgotten one is computed again from the file.
MAX_REMEMBERED_HASHES = 256


class UploadBusy(Exception):
    """Another request is writing to the upload."""


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


_hashes: OrderedDict[UUID, tuple[int, _Hash]] = OrderedDict()
_hashes_lock = Lock()


def blob_path(digest: str) -> Path:
    """Where the blob of a digest is, or would be."""
    algorithm, _, encoded = digest.partition(":")
    return _root() / "blobs" / algorithm / encoded[:2] / encoded


def upload_path(upload_id: UUID) -> Path:
    """Where the bytes of an upload are."""
    return _root() / "uploads" / str(upload_id)


def read_blob(digest: str, start: int = 0, length: int | None = None) -> Generator[bytes, None, None]:
    """The bytes of a blob, or a range of them, in chunks."""
    with blob_path(digest).open("rb") as file:
        file.seek(start)
        left = length if length is not None else os.fstat(file.fileno()).st_size - start
        while left > 0:
            chunk = file.read(min(CHUNK_BYTES, left))
            if not chunk:
                raise OSError(f"blob {digest} is shorter than it was")
            left -= len(chunk)
            yield chunk


@contextmanager
def idle_upload(upload_id: UUID) -> Iterator[bool]:
    """Keep others from writing to an upload while the block runs; False where somebody is writing to it."""
    try:
        file = upload_path(upload_id).open("r+b")
    except FileNotFoundError:
        yield True
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


class UploadFile:
    """The file of an upload, open for one writer; knows its size and the hash of all of it. Raises UploadBusy."""

    def __init__(self, upload_id: UUID, *, create: bool = False) -> None:
        self._upload_id = upload_id
        self.path = upload_path(upload_id)
        if create:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("x+b" if create else "r+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise UploadBusy from error
        self.size = self._file.seek(0, os.SEEK_END)
        self._hash = self._remembered_hash()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, data: bytes) -> None:
        """Add to the end."""
        self._file.write(data)
        self._hash.update(data)
        self.size += len(data)

    def digest(self) -> str:
        """The digest of everything written."""
        return f"sha256:{self._hash.hexdigest()}"

    def truncate(self, size: int) -> None:
        """Take back what was written after ``size``."""
        self._file.truncate(size)
        self._file.seek(size)
        self.size = size
        self._hash = self._hash_of_file()

    def become(self, digest: str) -> None:
        """Rename the whole file to the blob of its digest; the caller has compared them."""
        target = blob_path(digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        self._file.flush()
        if settings.SIMFRA_DURABILITY == "disk":
            os.fsync(self._file.fileno())
        self.path.replace(target)

    def close(self) -> None:
        """Let go of the file; the hash is remembered for the next request that continues."""
        self._file.close()
        with _hashes_lock:
            _hashes[self._upload_id] = (self.size, self._hash)
            while len(_hashes) > MAX_REMEMBERED_HASHES:
                _hashes.popitem(last=False)

    def _remembered_hash(self) -> _Hash:
        with _hashes_lock:
            size, remembered = _hashes.pop(self._upload_id, (-1, None))
        # Another process may have written since.
        return remembered if remembered is not None and size == self.size else self._hash_of_file()

    def _hash_of_file(self) -> _Hash:
        computed = hashlib.sha256()
        self._file.seek(0)
        while chunk := self._file.read(CHUNK_BYTES):
            computed.update(chunk)
        return computed


def _root() -> Path:
    return Path(settings.SIMFRA_DATA_DIR) / "registry"
