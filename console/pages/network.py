"""The map of the network, and the answer to "can A reach B on this port?"."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from console.navigation import Group, Link
from console.network.drawing import draw
from console.network.places import Network, network_of
from console.network.reaching import INTERNET, PROTOCOLS, Answer, CannotAnswer, find_end, reaches
from console.scope import Scope, scope_of

DEFAULT_PORT = "80"


@dataclass(frozen=True, kw_only=True)
class Question:
    """What was asked: two ends, a port and a protocol, and the answer or why there is none."""

    source: str
    target: str
    port: str
    protocol: str
    answer: Answer | None = None
    problem: str = ""

    @property
    def is_asked(self) -> bool:
        return bool(self.answer or self.problem)


@require_safe
def network(request: HttpRequest) -> HttpResponse:
    """The map with the answer to what was asked; without the rest of the page where htmx wants that alone."""
    scope = scope_of(request.session)
    asked = _question(scope, request.GET)
    shown = network_of(scope)
    context = {"question": asked, "ends": ends(shown, asked), "protocols": PROTOCOLS}
    if request.headers.get("HX-Request"):
        return render(request, "console/partials/network_answer.html", context)
    return render(request, "console/network.html", {**context, **map_context(shown)})


def map_context(shown: Network) -> dict[str, object]:
    """What the templates of the map and of its list want."""
    return {"drawing": draw(shown), "things": list(shown.things.values())}


def ends(shown: Network, question: Question) -> list[tuple[str, str]]:
    """What can be chosen as an end: its id and its name; also what was asked for, wherever it is."""
    found = {thing.end: f"{thing.name}, {thing.interface.address}" for thing in shown.things.values()}
    found = {INTERNET: "internet", **dict(sorted(found.items(), key=lambda each: each[1]))}
    for end in (question.source, question.target):
        if end:
            found.setdefault(end, end)
    return list(found.items())


def _question(scope: Scope, asked: Mapping[str, str]) -> Question:
    port, protocol = asked.get("port") or DEFAULT_PORT, asked.get("protocol") or PROTOCOLS[0]
    source, target = asked.get("from", ""), asked.get("to", "")
    answer, problem = None, ""
    if source and target:
        try:
            source, target = (find_end(scope.account_id, scope.region, end) for end in (source, target))
            answer = reaches(scope.account_id, scope.region, source, target, protocol=protocol, port=port)
        except CannotAnswer as refusal:
            problem = str(refusal)
    return Question(source=source, target=target, port=port, protocol=protocol, answer=answer, problem=problem)


urlpatterns = [path("network/", network, name="network")]
NAVIGATION = [Link(group=Group.NETWORK, title="Map", url_name="network", order=0)]
