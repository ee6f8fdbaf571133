"""Shells in containers that run."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from aws_api.core.errors import AwsError
from console.middleware import CONTENT_SECURITY_POLICY
from console.pages.tasks import find_task
from console.scope import scope_of

#: xterm.js writes the terminal's colours and cell sizes into style elements of its own.
_POLICY = CONTENT_SECURITY_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")


@require_safe
def terminal(request: HttpRequest, cluster: str, task_id: str, container: str) -> HttpResponse:
    """A shell in one of a task's containers, and the way to the others'."""
    try:
        page = find_task(scope_of(request.session), cluster, task_id)
    except AwsError as error:
        raise Http404(error.message) from error
    if page is None or container not in page.log_names:
        raise Http404(f"The task {task_id} has no container {container}.")
    answer = render(request, "console/terminal.html", {"page": page, "cluster": cluster, "container": container})
    answer.headers["Content-Security-Policy"] = _POLICY
    return answer


urlpatterns = [
    path("clusters/<str:cluster>/tasks/<str:task_id>/terminal/<str:container>", terminal, name="terminal"),
]
