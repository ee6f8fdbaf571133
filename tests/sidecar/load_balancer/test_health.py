"""What checks make of a target, and who gets what share."""

import pytest

from sidecar.load_balancer.configuration import Datagrams, read_codes
from sidecar.load_balancer.datagrams import rules
from sidecar.load_balancer.figures import Figures, connections
from sidecar.load_balancer.health import PASSED, Health, Outcome, State, judged
from sidecar.load_balancer.servers import Server, with_servers

FAILED = Outcome(passed=False, reason="Target.Timeout", description="Request timed out")


def after(outcomes: str, **members: int) -> Health:
    """The health after checks: ``+`` passed, ``-`` did not."""
    health = Health(healthy_after=members.get("healthy", 3), unhealthy_after=members.get("unhealthy", 2))
    for outcome in outcomes:
        health.note(PASSED if outcome == "+" else FAILED)
    return health


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ("", State.INITIAL),
        ("+", State.HEALTHY),
        ("-", State.INITIAL),
        ("--", State.UNHEALTHY),
        ("-+", State.HEALTHY),
        ("+-", State.HEALTHY),
        ("+-+-", State.HEALTHY),
        ("+--", State.UNHEALTHY),
        ("+--++", State.UNHEALTHY),
        ("+--++-+", State.UNHEALTHY),
        ("+--+++", State.HEALTHY),
    ],
)
def test_a_new_target_needs_one_passed_check_and_others_several_in_a_row(outcomes: str, state: State) -> None:
    assert after(outcomes).state is state


def test_it_says_why() -> None:
    assert after("").why.reason == "Elb.InitialHealthChecking"
    assert after("--").why == FAILED
    assert after("--+++").why == PASSED


def test_a_check_that_passed_is_failed_where_that_is_wanted() -> None:
    assert judged(PASSED, fails=False) == PASSED
    assert judged(PASSED, fails=True).reason == "Target.FailedHealthChecks"
    assert judged(FAILED, fails=True) == FAILED, "it says why as ever"


def test_codes_are_lists_and_ranges() -> None:
    assert read_codes("200,202-204") == {200, 202, 203, 204}
    assert read_codes("") == frozenset()


def test_servers_stand_where_their_mark_is() -> None:
    servers = [
        Server(name="10.0.0.1:80", options="weight 100", is_ready=True, weight=20),
        Server(name="10.0.0.2:80", options="weight 100 proto h2", is_ready=False),
    ]
    assert with_servers("backend a\n  # servers a\nbackend b\n  # servers b\n", {"a": servers}) == (
        "backend a\n"
        "  server s-10-0-0-1-80 10.0.0.1:80 weight 20\n"
        "  server s-10-0-0-2-80 10.0.0.2:80 weight 100 proto h2 disabled\n"
        "backend b\n"
    )


def test_datagrams_are_shared_by_weight() -> None:
    from ipaddress import IPv4Address

    text = rules(
        [IPv4Address("10.0.1.5")],
        [Datagrams(port=53, groups={"a": 3, "b": 1}), Datagrams(port=54, groups={"c": 1})],
        {"a": [("10.0.0.1", 53)], "b": [("10.0.0.2", 53)]},
    )
    assert "numgen random mod 4 map" in text
    assert text.count("10.0.0.1 . 53") == 3
    assert "udp dport 54 drop" in text


def row(name: str, server: str, **columns: str) -> dict[str, str]:
    return {"pxname": name, "svname": server, "scur": "0", **columns}


def test_figures_are_what_was_added_since() -> None:
    figures = Figures()
    figures.read([row("listener-80", "FRONTEND", req_tot="5", hrsp_5xx="0")])
    rows = [
        row("listener-80", "FRONTEND", req_tot="9", hrsp_5xx="3"),
        row("web", "BACKEND", req_tot="4", hrsp_2xx="1", hrsp_5xx="1"),
    ]
    found = figures.read(rows)
    assert found[""]["RequestCount"] == 4
    assert found[""]["HTTPCode_ELB_5XX_Count"] == 2
    assert found["web"]["HTTPCode_Target_5XX_Count"] == 1
    assert figures.read(rows) == {}


def test_connections_are_those_of_servers() -> None:
    rows = [row("web", "s-1", scur="2"), row("web", "s-2"), row("web", "BACKEND", scur="2")]
    assert connections(rows) == {("web", "s-1"): 2, ("web", "s-2"): 0}
