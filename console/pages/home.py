"""The front page: what runs, what failed lately and why, what there is, how to connect."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Exists, OuterRef, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.urls import path, reverse
from django.views.decorators.http import require_safe

from aws_api.services.ecr.models import Image
from aws_api.services.ecs.models import Service, ServiceStatus
from aws_api.services.elbv2.models import LoadBalancer
from aws_api.services.sqs.models import Message, Queue
from console.access import Access
from console.connecting import guides
from console.models import Role
from console.navigation import Group, Link
from console.pages.tasks import failed_lately, running_count, running_tasks
from console.scope import Scope, scope_of
from console.usage_plots import usage_plots


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A number that leads to its page; ``warning`` is what is not well."""

    title: str
    number: int
    url: str
    detail: str = ""
    warning: str = ""


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Running and failed tasks of the scope, its figures, and what connects a client."""
    scope = scope_of(request.session)
    access: Access = request.access  # type: ignore[attr-defined]
    offered = guides(scope, shows_keys=access.allows(Role.ADMIN, scope.account_id))
    chosen = next((guide for guide in offered if guide.key == request.GET.get("client")), offered[0])
    return render(
        request,
        "console/home.html",
        {
            **home_context(scope),
            "docker_problem": "" if settings.SIMFRA_DOCKER else settings.SIMFRA_DOCKER_PROBLEM or "Docker is off.",
            "usage": usage_plots(),
            "guides": offered,
            "guide": chosen,
        },
    )


def home_context(scope: Scope) -> dict[str, object]:
    """What goes live of the page."""
    running, failed = running_tasks(scope), failed_lately(scope)
    count = running_count(scope)
    return {"running": running, "running_count": count, "failed": failed, "tiles": _tiles(scope, count, len(failed))}


def _tiles(scope: Scope, tasks: int, failed: int) -> list[Tile]:
    mine = {"account_id": scope.account_id, "region": scope.region}
    services = Service.objects.filter(**mine, last_status=ServiceStatus.ACTIVE, desired_status=ServiceStatus.ACTIVE)
    settling = services.filter(last_is_steady=False).count()
    queues = Queue.objects.filter(**mine)
    waiting = queues.filter(Exists(Message.objects.filter(queue_id=OuterRef("pk")))).count()
    images = Image.objects.filter(repository__account_id=scope.account_id, repository__region=scope.region)
    balancers = LoadBalancer.objects.filter(**mine, desired_deleted=False)
    impaired = balancers.exclude(last_status__in=["active", "provisioning"]).count()
    return [
        Tile(
            title="Tasks",
            number=tasks,
            url=reverse("clusters"),
            detail="wanted to run",
            warning=f"{failed} failed lately" if failed else "",
        ),
        Tile(
            title="Services",
            number=services.count(),
            url=reverse("services"),
            detail=f"{settling} deploying or settling" if settling else "all steady",
        ),
        Tile(
            title="Load balancers",
            number=balancers.count(),
            url=reverse("load-balancers"),
            warning=f"{impaired} impaired" if impaired else "",
        ),
        Tile(
            title="Queues",
            number=queues.count(),
            url=reverse("queues"),
            detail=f"{waiting} with messages" if waiting else "all empty",
        ),
        Tile(
            title="Images",
            number=images.count(),
            url=reverse("images"),
            detail=filesizeformat(images.aggregate(size=Sum("size_bytes"))["size"] or 0),
        ),
    ]


urlpatterns = [path("", home, name="home")]
NAVIGATION = [Link(group=Group.OVERVIEW, title="Home", url_name="home", order=0)]
