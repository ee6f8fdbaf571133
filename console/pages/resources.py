"""Generic pages: every kind of resource that a service declares (aws_api/core/resources.py), and search over all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from aws_api.core.resources import ResourceType, resource_types
from console.navigation import Group, Link
from console.scope import Scope, scope_of

ROWS_ON_A_PAGE = 50
MAX_FOUND_OF_A_KIND = 20


@dataclass(frozen=True, kw_only=True)
class Row:
    """A resource in a list: its page, and what its columns show."""

    url: str
    cells: tuple[Any, ...]


@require_safe
def kinds(request: HttpRequest) -> HttpResponse:
    """All kinds of resources, by service."""
    groups = [
        (service, [(kind.plural, _list_url(kind)) for kind in found])
        for service, found in groupby(resource_types(), key=lambda kind: kind.service)
    ]
    return render(request, "console/resource_kinds.html", {"groups": groups})


@require_safe
def resources(request: HttpRequest, service: str, plural: str) -> HttpResponse:
    """A kind's resources in the scope, a page at a time, filtered by ``?q=``."""
    kind = _find_kind(service, plural)
    words = request.GET.get("q", "")
    shapes = [shape for shape in _list(kind, scope_of(request.session)) if _matches(kind, shape, words)]
    page = Paginator(shapes, ROWS_ON_A_PAGE).get_page(request.GET.get("page"))
    rows = [_row(kind, shape) for shape in page]
    return render(request, "console/resources.html", {"kind": kind, "rows": rows, "page": page, "words": words})


@require_safe
def resource(request: HttpRequest, service: str, plural: str, identity: str) -> HttpResponse:
    """One resource: all of its members, as AWS's API describes it."""
    kind = _find_kind(service, plural)
    found = next((shape for shape in _list(kind, scope_of(request.session)) if kind.identify(shape) == identity), None)
    if found is None:
        raise Http404(f"There is no {kind.name} {identity} in this account and region.")
    context = {
        "kind": kind,
        "identity": identity,
        "shape": found,
        "list_url": _list_url(kind),
        "command": kind.command.format_map(found),
    }
    return render(request, "console/resource.html", context)


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Resources of every kind whose columns contain the words."""
    words, scope = request.GET.get("q", "").strip(), scope_of(request.session)
    groups = []
    for kind in resource_types() if words else ():
        found = islice((shape for shape in _list(kind, scope) if _matches(kind, shape, words)), MAX_FOUND_OF_A_KIND)
        if rows := [_row(kind, shape) for shape in found]:
            groups.append((kind, rows))
    return render(request, "console/search.html", {"groups": groups, "query": words})


def _find_kind(service: str, plural: str) -> ResourceType:
    for kind in resource_types():
        if (kind.service, slugify(kind.plural)) == (service, plural):
            return kind
    raise Http404(f"{service} has no {plural}.")


def _list(kind: ResourceType, scope: Scope) -> Iterable[Mapping[str, Any]]:
    return kind.list(scope.account_id, scope.region)


def _matches(kind: ResourceType, shape: Mapping[str, Any], words: str) -> bool:
    text = " ".join(str(shape.get(name, "")) for name in {*kind.columns, kind.identity}).lower()
    return all(word in text for word in words.lower().split())


def _row(kind: ResourceType, shape: Mapping[str, Any]) -> Row:
    arguments = [kind.service, slugify(kind.plural), kind.identify(shape)]
    return Row(url=reverse("resource", args=arguments), cells=tuple(shape.get(name) for name in kind.columns))


def _list_url(kind: ResourceType) -> str:
    return reverse("resources", args=[kind.service, slugify(kind.plural)])


urlpatterns = [
    path("resources/", kinds, name="resource-kinds"),
    path("resources/<str:service>/<slug:plural>/", resources, name="resources"),
    path("resources/<str:service>/<slug:plural>/<path:identity>", resource, name="resource"),
    path("search", search, name="search"),
]
NAVIGATION = [Link(group=Group.OVERVIEW, title="All resources", url_name="resource-kinds", order=90)]
