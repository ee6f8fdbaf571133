"""Task definitions: families, revisions and what is different between them, registering, and running one."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Max, Q
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from aws_api.core.errors import AwsError
from aws_api.protocol.models import operation_model
from aws_api.services.ecs import describe
from aws_api.services.ecs.models import TaskDefinition, TaskDefinitionStatus
from console.differences import difference
from console.navigation import Group, Link
from console.notices import attempted, say
from console.pages.tasks import cluster_names
from console.scope import Scope, scope_of
from console.task_definition_forms import FormProblem, registration, registration_from_json, run

FAMILIES_ON_A_PAGE = 50
MAX_REVISIONS = 200
MAX_OFFERED = 200
NETWORK_MODES = ("awsvpc", "bridge", "host", "none")
LAUNCH_TYPES = ("FARGATE", "EC2")
_EXAMPLE = {
    "family": "web",
    "networkMode": "awsvpc",
    "requiresCompatibilities": ["FARGATE"],
    "cpu": "256",
    "memory": "512",
    "containerDefinitions": [
        {"name": "app", "image": "nginx:latest", "essential": True, "portMappings": [{"containerPort": 80}]}
    ],
}


@require_safe
def families(request: HttpRequest) -> HttpResponse:
    """The families with their latest revisions, page by page, filtered by ``?q=``."""
    words = request.GET.get("q", "").strip()
    rows = _rows(scope_of(request.session)).filter(family__icontains=words).values("family")
    active = Count("pk", filter=Q(status=TaskDefinitionStatus.ACTIVE))
    found = rows.annotate(latest=Max("revision"), active=active, last_at=Max("created_at")).order_by("family")
    page = Paginator(found, FAMILIES_ON_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "console/task_definitions.html", {"page": page, "words": words})


@require_safe
def family(request: HttpRequest, family: str) -> HttpResponse:
    """To a family's latest revision."""
    latest = _rows(scope_of(request.session)).filter(family=family).order_by("-revision").first()
    if latest is None:
        raise Http404(f"There is no task definition {family} in this account and region.")
    return redirect("task-definition", family, latest.revision)


@require_safe
def task_definition(request: HttpRequest, family: str, revision: int) -> HttpResponse:
    """A revision, and what is different from another: ``?with=``, else the one before it."""
    rows = list(_rows(scope_of(request.session)).filter(family=family).order_by("-revision")[:MAX_REVISIONS])
    row = next((each for each in rows if each.revision == revision), None)
    if row is None:
        raise Http404(f"There is no task definition {family}:{revision} in this account and region.")
    wanted = request.GET.get("with", "")
    earlier = [each for each in rows if each.revision < revision]
    other = next((each for each in rows if str(each.revision) == wanted), earlier[0] if earlier else None)
    shape = describe.task_definition(row)
    text = _pretty(shape)
    context = {
        "row": row,
        "shape": shape,
        "text": text,
        "revisions": rows,
        "other": other,
        "difference": difference(_pretty(describe.task_definition(other)), text) if other else None,
    }
    return render(request, "console/task_definition.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """A form for the common fields and an editor for all; what AWS refuses stays typed, with AWS's words beside it."""
    scope = scope_of(request.session)
    mode = request.POST.get("mode") or request.GET.get("mode") or ("json" if request.GET.get("from") else "form")
    text = request.POST.get("json") or _text_to_start_from(scope, request.GET.get("from", ""))
    problem = ""
    if request.method == "POST":
        try:
            asked = registration_from_json(text) if mode == "json" else registration(request.POST)
            made = scope.call_as_sent("ecs", "RegisterTaskDefinition", asked)["taskDefinition"]
        except FormProblem as refusal:
            problem = str(refusal)
        except AwsError as error:
            problem = f"{error.code}: {error.message}"
        else:
            say(request, f"{made['family']}:{made['revision']} is registered.")
            return redirect("task-definition", made["family"], made["revision"])
    context = {"mode": mode, "json": text, "typed": request.POST, "problem": problem, "network_modes": NETWORK_MODES}
    return render(request, "console/register_task_definition.html", context, status=400 if problem else 200)


@require_POST
def deregister(request: HttpRequest, family: str, revision: int) -> HttpResponse:
    """Deregister a revision."""
    scope, name = scope_of(request.session), f"{family}:{revision}"

    def work() -> object:
        return scope.call("ecs", "DeregisterTaskDefinition", taskDefinition=name)

    return attempted(request, work, f"{name} is deregistered.", "task-definition", family, revision)


@require_http_methods(["GET", "HEAD", "POST"])
def run_task(request: HttpRequest) -> HttpResponse:
    """Run a task with overrides; leads to the task's page."""
    scope = scope_of(request.session)
    typed: QueryDict = request.POST if request.method == "POST" else request.GET
    problem = ""
    if request.method == "POST":
        try:
            answer = scope.call_as_sent("ecs", "RunTask", run(request.POST))
        except FormProblem as refusal:
            problem = str(refusal)
        except AwsError as error:
            problem = f"{error.code}: {error.message}"
        else:
            problem = "; ".join(each.get("reason", "") for each in answer["failures"])
            if answer["tasks"]:
                return redirect(_page_of(answer["tasks"]))
    definition = _find(scope, typed.get("taskDefinition", ""))
    subnets = scope.call("ec2", "DescribeSubnets")["Subnets"][:MAX_OFFERED]
    if request.method != "POST":
        typed = _with_what_it_needs(typed, definition, subnets)
    context = {
        "typed": typed,
        "problem": problem,
        "clusters": cluster_names(scope),
        "definitions": _offered(scope),
        "containers": [each["name"] for each in definition.get("containerDefinitions", ())],
        "subnets": subnets,
        "groups": scope.call("ec2", "DescribeSecurityGroups")["SecurityGroups"][:MAX_OFFERED],
        "chosen_subnets": typed.getlist("subnets"),
        "chosen_groups": typed.getlist("securityGroups"),
        "launch_types": LAUNCH_TYPES,
    }
    return render(request, "console/run_task.html", context, status=400 if problem else 200)


def _rows(scope: Scope) -> Any:
    return TaskDefinition.objects.filter(account_id=scope.account_id, region=scope.region)


def _offered(scope: Scope) -> list[str]:
    rows = _rows(scope).filter(status=TaskDefinitionStatus.ACTIVE).values_list("family").annotate(Max("revision"))
    return [f"{name}:{revision}" for name, revision in rows.order_by("family")[:MAX_OFFERED]]


def _find(scope: Scope, identifier: str) -> Mapping[str, Any]:
    """A task definition by whatever is typed; empty where there is none."""
    if not identifier:
        return {}
    try:
        return dict(scope.call("ecs", "DescribeTaskDefinition", taskDefinition=identifier)["taskDefinition"])
    except AwsError:
        return {}


def _with_what_it_needs(
    typed: QueryDict, definition: Mapping[str, Any], subnets: Sequence[Mapping[str, Any]]
) -> QueryDict:
    """The form as it is first offered: Fargate and a subnet with a public address, where the definition is for them."""
    typed = typed.copy()
    if "FARGATE" in definition.get("requiresCompatibilities", ()):
        typed.setdefault("launchType", "FARGATE")
        typed.setdefault("assignPublicIp", "1")
    if definition.get("networkMode") == "awsvpc" and subnets and "subnets" not in typed:
        typed["subnets"] = subnets[0]["SubnetId"]
    return typed


def _text_to_start_from(scope: Scope, identifier: str) -> str:
    """The JSON of a revision that a new one is made from, else an example."""
    if not identifier:
        return json.dumps(_EXAMPLE, indent=2)
    try:
        found = scope.call("ecs", "DescribeTaskDefinition", taskDefinition=identifier)["taskDefinition"]
    except AwsError as error:
        raise Http404(error.message) from error
    return _pretty(found)


def _pretty(shape: Mapping[str, Any]) -> str:
    """What RegisterTaskDefinition would take for this, as JSON in the order of AWS's model, empty members left out."""
    taken = operation_model("ecs", "RegisterTaskDefinition").input_shape
    return json.dumps(_said(taken, shape), indent=2, default=str)


def _said(model: Any, value: Any) -> Any:
    if model.type_name == "list":
        return [_said(model.member, item) for item in value]
    if model.type_name != "structure":
        return value
    return {
        name: _said(member, value[name])
        for name, member in model.members.items()
        if value.get(name) not in (None, [], {})
    }


def _page_of(tasks: list[Mapping[str, Any]]) -> str:
    """The task's page; of several, the cluster's."""
    *_, cluster, task_id = tasks[0]["taskArn"].split("/")
    return reverse("task", args=[cluster, task_id]) if len(tasks) == 1 else reverse("cluster", args=[cluster])


urlpatterns = [
    path("task-definitions/", families, name="task-definitions"),
    path("task-definitions/register", register, name="register-task-definition"),
    path("task-definitions/<str:family>/", family, name="task-definition-family"),
    path("task-definitions/<str:family>/<int:revision>/", task_definition, name="task-definition"),
    path("task-definitions/<str:family>/<int:revision>/deregister", deregister, name="deregister-task-definition"),
    path("run-task", run_task, name="run-task"),
]
NAVIGATION = [Link(group=Group.COMPUTE, title="Task definitions", url_name="task-definitions", order=20)]
