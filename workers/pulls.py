"""Bringing images to the engine: each once, whoever wants it, in the background, with progress for the console.

Our own registry's images are loaded from its blobs. Public ones are copied into it on the way, so that the next engine
needs no internet for them; what cannot be copied is the engine's own pull.

Who wants an image that takes longer than a moment is kicked when it has come or failed, so that no worker waits for it
and a task can be stopped meanwhile.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson
from django.db import Error, connections, transaction

from aws_api.core import bus
from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.containers import (
    LABEL_KEY,
    ContainerRuntime,
    ObservedImage,
    PullImage,
    PullProgress,
    RuntimeFailure,
    RuntimeUnreachable,
    Scope,
)
from aws_api.core.faults import is_in_force
from aws_api.core.images import ImageArchive, ImageMirror, ImageNotFound, ImageSource, image_mirror, image_source
from aws_api.core.pull_reports import PULLS_TOPIC, PullReport
from aws_api.core.reconcile import kick
from workers.leases import Held, claim
from workers.models import Pull, PullStatus
from workers.pull_behavior import (
    MAX_ATTEMPTS,
    cached_stands_in,
    is_too_many_requests,
    may_use_cached,
    patience_s,
)

LEASE_KIND = "image"
#: Loading a small image takes less than this; waiting for it here saves a round.
_WAIT_S = 1.5
_PROGRESS_EVERY_S = 0.25
_AT_ONCE = threading.Semaphore(8)
_ATTEMPTS = 3
_LOOK_FOR_FAULT_EVERY_S = 0.5

_log = logging.getLogger(__name__)


def bring(step: PullImage, present: ObservedImage | None, waiter: tuple[str, str], runtime: ContainerRuntime) -> bool:
    """Make sure that an image is on the engine. False while it is on its way: the waiter is kicked when that ends.

    ``present`` is the engine's image of that name; whether it will do is pull_behavior's matter. An image of our own
    registry is loaded again only when its tag names another manifest now. Raises RuntimeFailure with what ECS would
    say.
    """
    if step.fault and step.fault.reason:
        raise RuntimeFailure(step.fault.reason)
    source, subject = image_source(step.image), _subject(step, waiter)
    pull = Pull.objects.filter(subject=subject).first()
    present = present or _by_digest(step.image, pull, runtime)
    if present and step.fault and pull and pull.status == PullStatus.PULLED:
        return True
    is_enough = may_use_cached(is_own=source is not None, was_pulled=bool(pull and pull.image_id))
    if present and is_enough and not step.fault:
        return True
    try:
        return _bring(step, present, waiter, runtime)
    except RuntimeUnreachable:
        raise
    except RuntimeFailure as failure:
        if present is None or not cached_stands_in():
            raise
        _log.info("%s: the engine's own stands in: %s", step.image, failure)
        return True


def _bring(step: PullImage, present: ObservedImage | None, waiter: tuple[str, str], runtime: ContainerRuntime) -> bool:
    source, subject = image_source(step.image), _subject(step, waiter)
    digest = _digest(source, step.image) if source else ""
    for _ in range(_ATTEMPTS):
        pull = Pull.objects.filter(subject=subject).first()
        if pull and present and digest and (pull.image_id, pull.digest) == (present.id, digest):
            return True
        if pull and list(waiter) in pull.failed_for and _has_heard(subject, waiter, "failed_for"):
            raise RuntimeFailure(pull.reason)
        if pull and list(waiter) in pull.pulled_for and _has_heard(subject, waiter, "pulled_for"):
            return True
        lease = claim(LEASE_KIND, subject)
        if lease is not None:
            errand = _Errand(
                step=step, subject=subject, digest=digest, source=source, present=present, lease=lease, runtime=runtime
            )
            return _begin(errand, waiter)
        if _joined(subject, waiter):
            return False
        # It ended between the two looks: look at what came of it.
    return False


def name_on_engine(image: str) -> str:
    """What the engine knows an image by: the id, for one by digest that was loaded, whose name no archive can give."""
    if "@" not in image:
        return image
    return Pull.objects.filter(subject=image).values_list("image_id", flat=True).first() or image


def reports(images: Sequence[str]) -> dict[str, PullReport]:
    """The last pull of each image, whoever's credentials it was with."""
    rows = Pull.objects.filter(image__in=images).order_by("started_at")
    return {
        row.image: PullReport(
            image=row.image,
            status=row.status,
            digest=row.digest,
            reason=row.reason,
            started_at=row.started_at,
            finished_at=row.finished_at,
            layers=row.progress,
        )
        for row in rows
    }


@dataclass(frozen=True, kw_only=True)
class _Errand:
    """An image to bring. ``source`` is the registry of ours that has it, ``digest`` what its tag names there.

    ``present`` is what the engine has under the name.
    """

    step: PullImage
    subject: str
    digest: str
    source: ImageSource | None
    present: ObservedImage | None
    lease: Held
    runtime: ContainerRuntime


def _begin(errand: _Errand, waiter: tuple[str, str]) -> bool:
    """Pull in a thread and wait a moment for it."""
    pulling = _Pulling(errand)
    try:
        Pull.objects.update_or_create(
            subject=errand.subject,
            defaults={
                "image": errand.step.image,
                "status": PullStatus.PULLING,
                "progress": {},
                "failed_for": [],
                "pulled_for": [],
                "reason": "",
                "started_at": SYSTEM_CLOCK.now(),
                "finished_at": None,
            },
        )
        pulling.start()
    except BaseException:
        errand.lease.abandon()
        raise
    pulling.join(_WAIT_S)
    if pulling.is_alive() and _joined(errand.subject, waiter):
        return False
    pulling.join()
    if pulling.failure:
        raise pulling.failure
    return True


class _Pulling(threading.Thread):
    """One image on its way."""

    def __init__(self, errand: _Errand) -> None:
        super().__init__(name=f"pull {errand.step.image}", daemon=True)
        self.failure: RuntimeFailure | None = None
        self._errand = errand
        self._digest = errand.digest
        self._layers: dict[str, Mapping[str, object]] = {}
        self._told_at = 0.0

    def run(self) -> None:
        image: ObservedImage | None = None
        try:
            self._suffer()
            with _AT_ONCE:
                self._tell(PullStatus.PULLING)
                image = self._bring()
        except ImageNotFound as error:
            self.failure = RuntimeFailure(_not_found(self._errand.step.image, error))
        except RuntimeFailure as failure:
            self.failure = failure
        finally:
            if image is None and self.failure is None:
                self.failure = RuntimeFailure(
                    f"CannotPullContainerError: {self._errand.step.image} could not be loaded."
                )
            try:
                self._end(image)
            finally:
                connections.close_all()

    def _suffer(self) -> None:
        """Begin as late as a fault says that is in force."""
        fault = self._errand.step.fault
        if fault is None:
            return
        ends = time.monotonic() + fault.delay_s
        while time.monotonic() < ends and is_in_force(fault.fault_id):
            self._layers["fault"] = {"status": f"Delayed by {fault.fault_id}", "done": 0, "total": 0}
            self._tell(PullStatus.PULLING)
            time.sleep(min(_LOOK_FOR_FAULT_EVERY_S, max(ends - time.monotonic(), 0)))
        self._layers.pop("fault", None)

    def _bring(self) -> ObservedImage:
        present, is_own = self._errand.present, self._errand.source is not None
        if present and self._errand.step.fault and may_use_cached(is_own=is_own, was_pulled=True):
            return present
        image, source = self._errand.step.image, self._errand.source
        if source is not None:
            source.refresh(image, self._progressed)
            return self._load(source.archive(image))
        mirror = image_mirror() if self._errand.step.credentials is None else None
        if mirror is None:
            return self._pull()
        try:
            self._digest = mirror.copy(image, self._progressed)
        except ImageNotFound as error:
            # The engine may know better: a login, a mirror of its own, a registry without TLS.
            _log.info("%s was not copied: %s", image, error)
            return self._pull_or_load(mirror)
        if present and (present.id, self._digest) == self._last_brought():
            return present
        return self._load(mirror.archive(image))

    def _pull_or_load(self, mirror: ImageMirror) -> ObservedImage:
        """The engine's own pull; where that fails, the copy from earlier."""
        try:
            return self._pull()
        except RuntimeUnreachable:
            raise
        except RuntimeFailure:
            try:
                archive = mirror.archive(self._errand.step.image)
            except ImageNotFound:
                archive = None
            if archive is None:
                raise
            return self._load(archive)

    def _pull(self) -> ObservedImage:
        """Pull by the engine; patiently, within limits, where the registry says that there were too many requests."""
        step = self._errand.step
        for attempt in range(MAX_ATTEMPTS - 1):
            try:
                return self._errand.runtime.pull_image(step.image, step.credentials, self._progressed)
            except RuntimeFailure as failure:
                if not is_too_many_requests(str(failure)):
                    raise
                wait_s = patience_s(attempt)
                _log.info("%s: too many requests, again in %g s", step.image, wait_s)
                status = f"Too many requests, again in {wait_s:g} s"
                self._layers["registry"] = {"status": status, "done": 0, "total": 0}
                self._tell(PullStatus.PULLING)
                time.sleep(wait_s)
        return self._errand.runtime.pull_image(step.image, step.credentials, self._progressed)

    def _last_brought(self) -> tuple[str, str]:
        pull = Pull.objects.get(subject=self._errand.subject)
        return pull.image_id, pull.digest

    def _load(self, archive: ImageArchive) -> ObservedImage:
        self._digest = archive.digest
        done = 0

        def counted() -> Iterator[bytes]:
            nonlocal done
            for chunk in archive.chunks:
                done += len(chunk)
                self._progressed(
                    PullProgress(
                        layer=archive.digest[:19], status="Loading", done_bytes=done, total_bytes=archive.size_bytes
                    )
                )
                yield chunk

        return self._errand.runtime.load_image(archive.name, counted())

    def _progressed(self, progress: PullProgress) -> None:
        self._layers[progress.layer] = {
            "status": progress.status,
            "done": progress.done_bytes,
            "total": progress.total_bytes,
        }
        if time.monotonic() - self._told_at >= _PROGRESS_EVERY_S:
            self._told_at = time.monotonic()
            Pull.objects.filter(subject=self._errand.subject).update(progress=self._layers)
            self._tell(PullStatus.PULLING)

    def _end(self, image: ObservedImage | None) -> None:
        """Write down what came of it; let go and kick those who wait, even where it could not be written down."""
        status = PullStatus.FAILED if self.failure else PullStatus.PULLED
        waiting: list[list[str]] = []
        try:
            self._write_down(status, image, waiting)
        finally:
            self._let_go()
            self._tell(status)
            for kind, key in waiting:
                kick(kind, key)

    def _write_down(self, status: PullStatus, image: ObservedImage | None, waiting: list[list[str]]) -> None:
        with transaction.atomic():
            pull = Pull.objects.select_for_update().get(subject=self._errand.subject)
            waiting += pull.waiting
            pull.waiting = []
            pull.status = status
            pull.reason = str(self.failure or "")
            # An engine that went away says nothing about the image: those who wait try again.
            pull.pulled_for = [] if self.failure else waiting
            pull.failed_for = waiting if self.failure and not isinstance(self.failure, RuntimeUnreachable) else []
            pull.progress = self._layers
            pull.finished_at = SYSTEM_CLOCK.now()
            if image is not None:
                pull.image_id, pull.digest = image.id, self._digest or image.digest
            pull.save()

    def _let_go(self) -> None:
        try:
            self._errand.lease.abandon()
        except Error as error:
            # It is not renewed any more, and lapses.
            _log.warning("the lease of %s was not let go: %s", self._errand.step.image, error)

    def _tell(self, status: PullStatus) -> None:
        message = {
            "image": self._errand.step.image,
            "status": status,
            "layers": self._layers,
            "reason": str(self.failure or ""),
        }
        bus.publish(PULLS_TOPIC, orjson.dumps(message))


def _joined(subject: str, waiter: tuple[str, str]) -> bool:
    """Be kicked when the pull ends; False where it has ended."""
    with transaction.atomic():
        pull = Pull.objects.select_for_update().filter(subject=subject, status=PullStatus.PULLING).first()
        if pull is None:
            return False
        if list(waiter) not in pull.waiting:
            pull.waiting.append(list(waiter))
            pull.save(update_fields=["waiting"])
        return True


def _has_heard(subject: str, waiter: tuple[str, str], member: str) -> bool:
    """Take a waiter off a list of those who must hear how it ended; False where somebody did."""
    with transaction.atomic():
        pull = Pull.objects.select_for_update().get(subject=subject)
        unheard = getattr(pull, member)
        if list(waiter) not in unheard:
            return False
        unheard.remove(list(waiter))
        pull.save(update_fields=[member])
        return True


def _by_digest(image: str, pull: Pull | None, runtime: ContainerRuntime) -> ObservedImage | None:
    """The engine's image that was loaded for a reference by digest, which no name on the engine tells."""
    if "@" not in image or pull is None or not pull.image_id:
        return None
    found = runtime.observe(Scope(labels={LABEL_KEY: image}, images=(pull.image_id,))).images.get(pull.image_id)
    return ObservedImage(id=found.id, digest=pull.digest) if found else None


def _digest(source: ImageSource, image: str) -> str:
    try:
        return source.digest(image)
    except ImageNotFound as error:
        raise RuntimeFailure(_not_found(image, error)) from error


def _not_found(image: str, error: ImageNotFound) -> str:
    return (
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): "
        f"failed to resolve ref {image}: {error}"
    )


def _subject(step: PullImage, waiter: tuple[str, str]) -> str:
    """What two pulls must have in common to be one: the image, and the credentials, which decide whether it works.

    One that a fault delays is nobody else's.
    """
    if step.credentials is None and step.fault is None:
        return step.image
    secret = f"{step.credentials.username}\n{step.credentials.password}".encode() if step.credentials else b""
    if step.fault:
        secret += f"\n{step.fault.fault_id}\n{waiter[1]}".encode()
    return f"{step.image} {hashlib.sha256(secret).hexdigest()[:16]}"
