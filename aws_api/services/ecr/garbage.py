"""What nobody needs any more: uploads not continued, layers of no image, blobs of no repository and no snapshot.

Collected when something new is uploaded, at most once per interval and process: without uploads no garbage comes.
"""

import time
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from threading import Lock

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Func, JSONField, OuterRef

from aws_api.core.account_snapshots import values_kept
from aws_api.services.ecr.blobs import blob_path, idle_upload, upload_path
from aws_api.services.ecr.models import Image, Layer, LayerUpload, Repository
from aws_api.services.ecr.repositories import lock_blob
from aws_api.services.ecr.uploads import drop_upload

#: How long garbage is kept: a push may take this long from its first layer to its manifest.
MAX_AGE = timedelta(hours=24)
INTERVAL_S = 600
MAX_PER_ROUND = 500

_next_at = 0.0
_lock = Lock()


def collect_if_due(now: datetime) -> None:
    """Collect, unless this process did so a while ago."""
    global _next_at  # noqa: PLW0603 - one schedule per process
    with _lock:
        if time.monotonic() < _next_at:
            return
        _next_at = time.monotonic() + INTERVAL_S
    collect(now)


def collect(now: datetime, max_age: timedelta = MAX_AGE) -> None:
    """One bounded round over each kind of garbage that is older than ``max_age``."""
    oldest = now - max_age
    _collect_uploads(oldest)
    _collect_layers(oldest)
    _collect_blobs(oldest)


def _collect_uploads(oldest: datetime) -> None:
    for upload in LayerUpload.objects.filter(touched_at__lt=oldest).order_by("touched_at")[:MAX_PER_ROUND]:
        with idle_upload(upload.upload_id) as is_idle:
            # A single request may have been writing since, or be at it.
            if is_idle and not _is_file_newer(upload_path(upload.upload_id), oldest):
                drop_upload(upload)


def _collect_layers(oldest: datetime) -> None:
    digest = Func(OuterRef("digest"), function="to_jsonb", output_field=JSONField())
    users = Image.objects.filter(repository=OuterRef("repository"), blobs__contains=digest)
    unused = Layer.objects.filter(~Exists(users), created_at__lt=oldest)
    for repository_id in list(unused.values_list("repository_id", flat=True).distinct()[:MAX_PER_ROUND]):
        with transaction.atomic():
            # The lock that putting a manifest takes: none can begin to need a layer meanwhile.
            Repository.objects.select_for_update(no_key=True).filter(pk=repository_id).first()
            Layer.objects.filter(
                pk__in=list(unused.filter(repository_id=repository_id).values_list("pk", flat=True))
            ).delete()


def _collect_blobs(oldest: datetime) -> None:
    root = Path(settings.SIMFRA_DATA_DIR) / "registry"
    held = values_kept(Layer._meta.db_table, "digest")
    names = (path.name for path in (root / "blobs" / "sha256").glob("*/*") if not _is_file_newer(path, oldest))
    while batch := [f"sha256:{name}" for name in islice(names, MAX_PER_ROUND)]:
        used = set(Layer.objects.filter(digest__in=batch).values_list("digest", flat=True))
        for digest in batch:
            if digest not in used and digest not in held:
                _collect_blob(digest)


def _collect_blob(digest: str) -> None:
    with transaction.atomic():
        lock_blob(digest)
        if not Layer.objects.filter(digest=digest).exists():
            blob_path(digest).unlink(missing_ok=True)


def _is_file_newer(path: Path, than: datetime) -> bool:
    try:
        return path.stat().st_mtime >= than.timestamp()
    except FileNotFoundError:
        return False
