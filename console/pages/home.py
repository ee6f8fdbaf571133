"""The front page: what runs, what failed lately and why, how to connect."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from console.navigation import Group, Link
from console.pages.tasks import failed_lately, running_tasks
from console.scope import scope_of


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Running and failed tasks of the scope, and the lines that connect a shell."""
    scope = scope_of(request.session)
    return render(
        request,
        "console/home.html",
        {
            "running": running_tasks(scope),
            "failed": failed_lately(scope),
            "docker_problem": "" if settings.SIMFRA_DOCKER else settings.SIMFRA_DOCKER_PROBLEM or "Docker is off.",
            "exports": {
                "AWS_ENDPOINT_URL": settings.SIMFRA_ENDPOINT,
                "AWS_DEFAULT_REGION": scope.region,
                "AWS_ACCESS_KEY_ID": settings.SIMFRA_ROOT_ACCESS_KEY_ID,
                "AWS_SECRET_ACCESS_KEY": settings.SIMFRA_ROOT_SECRET_ACCESS_KEY,
            }
            if scope.account_id == settings.SIMFRA_DEFAULT_ACCOUNT_ID
            else {"AWS_ENDPOINT_URL": settings.SIMFRA_ENDPOINT, "AWS_DEFAULT_REGION": scope.region},
        },
    )


urlpatterns = [path("", home, name="home")]
NAVIGATION = [Link(group=Group.OVERVIEW, title="Home", url_name="home", order=0)]
