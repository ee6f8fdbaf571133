"""Names: what one resolves to in a VPC and why, and Cloud Map's namespaces, services and instances."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from console.navigation import Group, Link
from console.pages.name_answers import TYPES, look_up, namespaces
from console.scope import Scope, scope_of


@require_safe
def names(request: HttpRequest) -> HttpResponse:
    """A form that asks a VPC's resolver for ``?name=`` and ``?type=``, its answer, and Cloud Map."""
    scope, asked = scope_of(request.session), request.GET
    vpcs = [vpc["VpcId"] for vpc in scope.call("ec2", "DescribeVpcs")["Vpcs"]]
    kind = asked.get("type", "") if asked.get("type", "") in TYPES else TYPES[0]
    vpc_id, name = asked.get("vpc", ""), asked.get("name", "").strip()
    answer, problem = None, ""
    if name and vpc_id in vpcs:
        answer = look_up(scope, vpc_id, name, kind)
    elif name:
        problem = f"There is no VPC {vpc_id} in this account and region."
    context = {
        "vpcs": vpcs,
        "types": TYPES,
        "vpc": vpc_id,
        "name": name,
        "type": kind,
        "answer": answer,
        "problem": problem,
        **cloud_map_context(scope),
    }
    return render(request, "console/names/names.html", context)


def cloud_map_context(scope: Scope) -> dict[str, Any]:
    """What the page shows of Cloud Map."""
    return {"namespaces": namespaces(scope), "command": "aws servicediscovery list-namespaces"}


urlpatterns = [path("names/", names, name="names")]
NAVIGATION = [Link(group=Group.NETWORK, title="Names", url_name="names", order=30)]
