"""The port through which the engine gets images of our own registry; the ecr service implements it.

The engine never contacts a registry for these: the archive is streamed into it from the blob store, so the image keeps
its ECR name and no request can reach real AWS.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from aws_api.core.containers import PullProgress


@dataclass(frozen=True, kw_only=True)
class ImageArchive:
    """A docker-archive (``docker load`` takes it) as a stream of chunks, and the digest of its manifest.

    ``name`` is what the engine has the image under once it is loaded: the reference, but with a tag where that has
    none.
    """

    name: str
    digest: str
    size_bytes: int
    chunks: Iterator[bytes]


class ImageNotFound(Exception):
    """The registry is ours and the image is not in it; the message is worded as a registry words it."""


PullProgressed = Callable[[PullProgress], None]


class ImageSource(Protocol):
    """A registry of our own."""

    def owns(self, reference: str) -> bool:
        """Whether an image reference names this registry, in any spelling. Pure: no database."""

    def repository_arn(self, reference: str) -> str:
        """The ARN of the repository that the reference names, whether or not it is there. Pure."""

    def digest(self, reference: str) -> str:
        """The digest of the manifest that the reference names now; empty where ``refresh`` must tell. Raises
        ImageNotFound."""

    def refresh(self, reference: str, progress: PullProgressed) -> None:
        """Fetch what is a copy of another registry's image. Possibly long. Raises ImageNotFound."""

    def archive(self, reference: str) -> ImageArchive:
        """The image to load under exactly this reference. Raises ImageNotFound."""


class ImageMirror(Protocol):
    """Copies of public registries' images in our own, so that an engine without them needs no internet."""

    def copy(self, reference: str, progress: PullProgressed) -> str:
        """Copy an image from its registry; its digest. Possibly long. Raises ImageNotFound with the reason."""

    def archive(self, reference: str) -> ImageArchive:
        """The copy to load under this reference. Raises ImageNotFound."""


_sources: list[ImageSource] = []
_mirror: ImageMirror | None = None


def register_image_source(source: ImageSource) -> None:
    """Add a registry; called when the ecr service's app is ready."""
    _sources.append(source)


def image_source(reference: str) -> ImageSource | None:
    """The registry of ours that an image reference names, or None where it is somebody else's."""
    return next((source for source in _sources if source.owns(reference)), None)


def register_image_mirror(mirror: ImageMirror | None) -> None:
    """Set who keeps copies of public images; called when the ecr service's app is ready."""
    global _mirror  # noqa: PLW0603
    _mirror = mirror


def image_mirror() -> ImageMirror | None:
    """Who keeps copies of public images, where anybody does."""
    return _mirror
