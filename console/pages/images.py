"""Images: repositories, what is in them, how to push, and how far the pulls are that tasks wait for."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.core.paginator import Paginator
from django.db.models import Count, Max, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST, require_safe

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.errors import AwsError
from aws_api.core.pull_reports import PullReport, pull_reports
from aws_api.services.ecr.imports import BadArchive, Destination, import_archive
from aws_api.services.ecr.models import Layer, Repository
from aws_api.services.ecr.names import RepositoryName, is_repository_name, is_tag
from aws_api.services.ecr.registry import registry
from aws_api.services.ecs.models import Task
from console.body_limits import ARCHIVE_BYTES
from console.navigation import Group, Link
from console.notices import attempted, say
from console.scope import Scope, scope_of

ROWS_ON_A_PAGE = 50
#: Pulls are those of images that the account's latest tasks use.
_LATEST_TASKS = 100
SHOWN_PULLS = 12
_IN_MEMORY_BYTES = 8 * 1024 * 1024
#: Larger archives go through the admin API, which streams them.


@dataclass(frozen=True, kw_only=True)
class Pull:
    """An image's way to the engine, all layers together."""

    report: PullReport
    done: int
    total: int

    @property
    def is_under_way(self) -> bool:
        return self.report.finished_at is None


@require_safe
def images(request: HttpRequest) -> HttpResponse:
    """The repositories, and the pulls of the account's tasks."""
    scope, words = scope_of(request.session), request.GET.get("q", "").strip()
    rows = _repositories(scope).filter(name__icontains=words)
    figures = {"count": Count("images"), "size": Sum("images__size_bytes"), "last_at": Max("images__pushed_at")}
    page = Paginator(rows.annotate(**figures).order_by("name"), ROWS_ON_A_PAGE).get_page(request.GET.get("page"))
    found = [(row, registry().uri(_name(row))) for row in page]
    context = {
        "page": page,
        "repositories": found,
        "words": words,
        "pulls": pulls_of(scope),
        "push": _push(scope, "app"),
    }
    return render(request, "console/images.html", context)


@require_safe
def repository(request: HttpRequest, name: str) -> HttpResponse:
    """A repository's images, newest first, and how to push to it."""
    scope = scope_of(request.session)
    row = _find(scope, name)
    rows = row.images.order_by("-pushed_at", "-pk").prefetch_related("image_tags")
    page = Paginator(rows, ROWS_ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "row": row,
        "uri": registry().uri(_name(row)),
        "page": page,
        "push": _push(scope, name),
        "expiring": _expiring(scope, row),
    }
    return render(request, "console/repository.html", context)


@require_safe
def image(request: HttpRequest, name: str, digest: str) -> HttpResponse:
    """An image's layers, or the platforms of one for several."""
    row = _find(scope_of(request.session), name)
    found = row.images.filter(digest=digest).prefetch_related("image_tags").first()
    if found is None:
        raise Http404(f"The repository {name} has no image {digest}.")
    manifest = orjson.loads(bytes(found.body))
    context = {
        "row": row,
        "image": found,
        "tags": sorted(tag.name for tag in found.image_tags.all()),
        "uri": f"{registry().uri(_name(row))}@{digest}",
        "layers": _layers(row, manifest),
        "platforms": _platforms(row, manifest),
        "manifest": orjson.dumps(manifest, option=orjson.OPT_INDENT_2).decode(),
    }
    return render(request, "console/image.html", context)


@require_POST
def create(request: HttpRequest) -> HttpResponse:
    """Make a repository."""
    scope, name = scope_of(request.session), request.POST.get("repositoryName", "").strip()

    def work() -> object:
        return scope.call_as_sent("ecr", "CreateRepository", {"repositoryName": name})

    return attempted(request, work, f"{name} is there: push to it.", "images")


@require_POST
def delete_image(request: HttpRequest, name: str) -> HttpResponse:
    """Delete an image by its digest."""
    scope, digest = scope_of(request.session), request.POST.get("imageDigest", "")

    def work() -> object:
        image_ids = [{"imageDigest": digest}]
        answer = scope.call_as_sent("ecr", "BatchDeleteImage", {"repositoryName": name, "imageIds": image_ids})
        for failure in answer.get("failures", ()):
            raise _Refused(f"{failure['failureReason']}")
        return answer

    return attempted(request, work, "The image is deleted.", "repository", name)


@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """Import an archive of ``docker save``, or an OCI layout in a tar."""
    archive: Any = request.FILES.get("archive")
    if archive is None:
        say(request, f"Choose an archive of at most {ARCHIVE_BYTES[request.path] // 1024**3} GiB.", is_bad=True)
        return redirect("images")
    try:
        destination = _destination(scope_of(request.session), request.POST)
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as spooled:
            for chunk in archive.chunks():
                spooled.write(chunk)
            spooled.seek(0)
            done = import_archive(spooled, destination, SYSTEM_CLOCK.now())
    except (BadArchive, _Refused) as refusal:
        say(request, str(refusal), is_bad=True)
    except AwsError as error:
        say(request, f"{error.code}: {error.message}", is_bad=True)
    else:
        say(request, f"Imported {', '.join(each.image for each in done)}.")
    return redirect("images")


def pulls_of(scope: Scope) -> list[Pull]:
    """The pulls of images that the account's latest tasks use, the latest first."""
    tasks = Task.objects.filter(account_id=scope.account_id, region=scope.region).order_by("-pk")
    documents = tasks.values_list("document", flat=True)[:_LATEST_TASKS]
    used = {container["image"] for document in documents for container in document["containers"]}
    reports = sorted(pull_reports(sorted(used)).values(), key=lambda report: report.started_at, reverse=True)
    return [_pull(report) for report in reports[:SHOWN_PULLS]]


class _Refused(AwsError):
    """A part of a batch that was not done."""

    code = "ImageNotDeleted"


def _pull(report: PullReport) -> Pull:
    done = [int(str(layer.get("done") or 0)) for layer in report.layers.values()]
    total = [int(str(layer.get("total") or 0)) for layer in report.layers.values()]
    return Pull(report=report, done=sum(done), total=max(sum(total), sum(done)))


def _repositories(scope: Scope) -> Any:
    return Repository.objects.filter(account_id=scope.account_id, region=scope.region)


def _find(scope: Scope, name: str) -> Repository:
    row: Repository | None = _repositories(scope).filter(name=name).first()
    if row is None:
        raise Http404(f"There is no repository {name} in this account and region.")
    return row


def _name(row: Repository) -> RepositoryName:
    return RepositoryName(account_id=row.account_id, region=row.region, name=row.name)


def _push(scope: Scope, name: str) -> str:
    """What to type to push an image."""
    uri = registry().uri(RepositoryName(account_id=scope.account_id, region=scope.region, name=name))
    host = uri.partition("/")[0]
    login = f"aws ecr get-login-password | docker login --username AWS --password-stdin {host}"
    return f"{login}\ndocker build -t {uri}:latest .\ndocker push {uri}:latest"


def _layers(row: Repository, manifest: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    described = [layer for layer in manifest.get("layers", ()) if isinstance(layer, dict)]
    digests = [layer.get("digest", "") for layer in described]
    sizes = dict(Layer.objects.filter(repository=row, digest__in=digests).values_list("digest", "size_bytes"))
    return [
        {"digest": layer.get("digest", ""), "size": sizes.get(layer.get("digest", ""), layer.get("size", 0))}
        for layer in described
    ]


def _platforms(row: Repository, manifest: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    listed = [each for each in manifest.get("manifests", ()) if isinstance(each, dict)]
    found = {each.digest: each for each in row.images.filter(digest__in=[each.get("digest", "") for each in listed])}
    return [
        {"digest": each.get("digest", ""), "platform": _platform(each), "image": found.get(each.get("digest", ""))}
        for each in listed
    ]


def _platform(manifest: Mapping[str, Any]) -> str:
    platform = manifest.get("platform") or {}
    return (
        "/".join(str(platform[part]) for part in ("os", "architecture", "variant") if platform.get(part)) or "unknown"
    )


def _expiring(scope: Scope, row: Repository) -> Sequence[Mapping[str, Any]] | None:
    """What the repository's lifecycle policy would expire now; None where it has none."""
    if not row.document.get("lifecyclePolicy"):
        return None
    try:
        scope.call("ecr", "StartLifecyclePolicyPreview", repositoryName=row.name)
        answer = scope.call("ecr", "GetLifecyclePolicyPreview", repositoryName=row.name, maxResults=ROWS_ON_A_PAGE)
    except AwsError:
        return None
    results: Sequence[Mapping[str, Any]] = answer["previewResults"]
    return results


def _destination(scope: Scope, asked: Mapping[str, str]) -> Destination | None:
    name, tag = asked.get("repository", "").strip(), asked.get("tag", "").strip() or "latest"
    if not name:
        return None
    if not is_repository_name(name) or not is_tag(tag):
        raise _Refused(f"{name}:{tag} is no repository's name and tag.")
    return Destination(name=RepositoryName(account_id=scope.account_id, region=scope.region, name=name), tag=tag)


urlpatterns = [
    path("images/", images, name="images"),
    path("images/create", create, name="create-repository"),
    path("images/import", upload, name="import-images"),
    path("images/<path:name>/delete", delete_image, name="delete-image"),
    path("images/<path:name>/<str:digest>", image, name="image"),
    path("images/<path:name>/", repository, name="repository"),
]
NAVIGATION = [Link(group=Group.COMPUTE, title="Images", url_name="images", order=30)]
