"""Load balancers that carry real traffic, on a real engine."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509

from aws_api.core.certificates import find_certificate
from aws_api.core.metric_sources import MetricQuery, read_metric
from aws_api.core.reconcile import kick
from aws_api.services.elbv2.changes import KIND, container_name
from aws_api.services.elbv2.models import LoadBalancer
from tests.services.elbv2.world import HTTP2_PORTS, World, open_world, seconds_until
from tests.support.docker_engine import docker_settings
from tests.support.waiting import wait_for
from workers.docker.runtime import DockerRuntime

__all__ = ["docker_settings"]
pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def world(docker_settings: None, gateway: Any) -> Iterator[World]:
    with open_world(gateway) as opened:
        yield opened


@pytest.fixture(scope="module")
def application(world: World) -> dict[str, Any]:
    """An application load balancer with a listener on port 80 and one target."""
    made = world.load_balancer("web")
    group = world.group("blue", (8001,))
    elbv2 = world.aws("elbv2")
    # As long as a process that was replaced may wait for one more request.
    idle = {"Key": "idle_timeout.timeout_seconds", "Value": "12"}
    elbv2.modify_load_balancer_attributes(LoadBalancerArn=made["LoadBalancerArn"], Attributes=[idle])
    (listener,) = elbv2.create_listener(
        LoadBalancerArn=made["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[forward(group)],
    )["Listeners"]
    world.wait_health(group, 8001, "healthy")
    return {**made, "Listener": listener["ListenerArn"], "Group": group, "Url": f"http://{made['Address']}"}


def forward(*groups: str, weights: tuple[int, ...] = (), stickiness_s: int = 0) -> dict[str, Any]:
    entries = [
        {"TargetGroupArn": group, "Weight": weight}
        for group, weight in zip(groups, weights or (1,) * len(groups), strict=True)
    ]
    config: dict[str, Any] = {"TargetGroups": entries}
    if stickiness_s:
        config["TargetGroupStickinessConfig"] = {"Enabled": True, "DurationSeconds": stickiness_s}
    return {"Type": "forward", "ForwardConfig": config}


def fixed(message: str, status: str = "200") -> dict[str, Any]:
    return {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": status, "MessageBody": message}}


_priorities = iter(range(1, 1000))


def rule(world: World, application: dict[str, Any], *conditions: dict[str, Any], action: Any, **members: Any) -> str:
    """A rule that is in force; answers its ARN."""
    (made,) = world.aws("elbv2").create_rule(
        ListenerArn=application["Listener"],
        Priority=next(_priorities),
        Conditions=list(conditions),
        Actions=[action],
        **members,
    )["Rules"]
    settle(world, application)
    return str(made["RuleArn"])


def settle(world: World, application: dict[str, Any]) -> None:
    """Wait until what was asked for is in force: a rule of its own, which then answers."""
    elbv2 = world.aws("elbv2")
    number = next(_priorities)
    (made,) = elbv2.create_rule(
        ListenerArn=application["Listener"],
        Priority=number + 10_000,
        Conditions=[{"Field": "path-pattern", "Values": [f"/settled-{number}"]}],
        Actions=[fixed("settled")],
    )["Rules"]
    url = f"{application['Url']}/settled-{number}"
    wait_for(lambda: world.get(url).body == "settled", timeout_s=30, what="the rules to be in force")
    elbv2.delete_rule(RuleArn=made["RuleArn"])


def test_a_request_reaches_a_target(world: World, application: dict[str, Any]) -> None:
    answer = world.get(f"{application['Url']}/hello?a=1", "-H", "X-Forwarded-For: 1.2.3.4")
    assert answer.status == 200
    assert answer.json["target"] == "/hello?a=1"
    assert answer.header_at_target("X-Forwarded-For") == f"1.2.3.4, {world.target_address}"
    assert answer.header_at_target("X-Forwarded-Proto") == "http"
    assert answer.header_at_target("X-Forwarded-Port") == "80"
    assert (answer.header_at_target("X-Amzn-Trace-Id") or "").startswith("Root=1-")


# Rules ----------------------------------------------------------------------------------------------------------------

#: (name, condition, options of a request that meets it, path, options of one that does not, its path)
Condition = tuple[str, dict[str, Any], list[str], str, list[str], str]
CONDITIONS: list[Condition] = [
    (
        "host",
        {"Field": "host-header", "Values": ["*.One.example"]},
        ["-H", "Host: a.one.EXAMPLE:8080"],
        "/",
        ["-H", "Host: one.example"],
        "/",
    ),
    (
        "host-regex",
        {"Field": "host-header", "HostHeaderConfig": {"RegexValues": ["^r[0-9]+\\.example$"]}},
        ["-H", "Host: r12.example"],
        "/",
        ["-H", "Host: rx.example"],
        "/",
    ),
    ("path", {"Field": "path-pattern", "Values": ["/img/?.png"]}, [], "/img/a.png", [], "/IMG/a.png"),
    (
        "path-regex",
        {"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["^/v[12]/"]}},
        [],
        "/v2/x",
        [],
        "/v3/x",
    ),
    (
        "header",
        {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Env", "Values": ["stag*", "a, b"]}},
        ["-H", "x-env: STAGING"],
        "/",
        ["-H", "x-env: production"],
        "/",
    ),
    (
        "header-regex",
        {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Env", "RegexValues": ["^v[0-9]+$"]}},
        ["-H", "x-env: v12"],
        "/",
        ["-H", "x-env: vx"],
        "/",
    ),
    (
        "method",
        {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["PUT", "PURGE"]}},
        ["-X", "PURGE"],
        "/",
        ["-X", "POST"],
        "/",
    ),
    (
        "query",
        {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "ver?", "Value": "2*"}]}},
        [],
        "/?x=1&VERS=2beta",
        [],
        "/?x=2&verse=2",
    ),
    (
        "query-value",
        {"Field": "query-string", "QueryStringConfig": {"Values": [{"Value": "needle"}]}},
        [],
        "/?any=needle&b=2",
        [],
        "/?any=needles",
    ),
]


@pytest.mark.parametrize("case", CONDITIONS, ids=[case[0] for case in CONDITIONS])
def test_a_rule_holds_when_its_condition_does(world: World, application: dict[str, Any], case: Condition) -> None:
    name, condition, met, path, unmet, other_path = case
    arn = rule(world, application, condition, action=fixed(name))
    assert world.get(f"{application['Url']}{path}", *met).body == name
    assert world.get(f"{application['Url']}{other_path}", *unmet).body != name
    world.aws("elbv2").delete_rule(RuleArn=arn)


def test_source_addresses_are_told_apart_and_conditions_add_up(world: World, application: dict[str, Any]) -> None:
    here = {"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8", f"{world.target_address}/32"]}}
    elsewhere = {"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}}
    path = {"Field": "path-pattern", "Values": ["/source"]}
    never = rule(world, application, path, elsewhere, action=fixed("elsewhere"))
    mine = rule(world, application, path, here, action=fixed("here"))
    assert world.get(f"{application['Url']}/source").body == "here"
    assert world.get(f"{application['Url']}/sauce").body != "here"
    for arn in (never, mine):
        world.aws("elbv2").delete_rule(RuleArn=arn)


def test_a_fixed_response_is_answered_as_it_was_given(world: World, application: dict[str, Any]) -> None:
    message = 'He said "50% of $5\\" \n {next} line #{path}'
    path = {"Field": "path-pattern", "Values": ["/fixed"]}
    arn = rule(world, application, path, action=fixed(message, "418"))
    answer = world.get(f"{application['Url']}/fixed")
    assert (answer.status, answer.body) == (418, message)
    assert answer.headers["server"] == "awselb/2.0"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    world.aws("elbv2").delete_rule(RuleArn=arn)


@pytest.mark.parametrize(
    ("config", "path", "location"),
    [
        (
            {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"},
            "/a/b?c=d",
            "https://www.example.com:443/a/b?c=d",
        ),
        (
            {"Host": "new.#{host}", "Path": "/was/#{path}", "Query": "x=1&#{query}", "StatusCode": "HTTP_302"},
            "/moved?q=2",
            "http://new.www.example.com:80/was/moved?x=1&q=2",
        ),
        ({"Path": "/100%", "Query": "", "StatusCode": "HTTP_302"}, "/a", "http://www.example.com:80/100%"),
    ],
)
def test_a_redirect_names_parts_of_the_request(
    world: World, application: dict[str, Any], config: dict[str, str], path: str, location: str
) -> None:
    host = {"Field": "host-header", "Values": ["www.example.com"]}
    arn = rule(world, application, host, action={"Type": "redirect", "RedirectConfig": config})
    answer = world.get(f"{application['Url']}{path}", "-H", "Host: www.example.com")
    assert answer.status == int(config["StatusCode"].removeprefix("HTTP_"))
    assert answer.headers["location"] == location
    world.aws("elbv2").delete_rule(RuleArn=arn)


def test_transforms_rewrite_what_the_target_gets(world: World, application: dict[str, Any]) -> None:
    transforms = [
        {"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": [{"Regex": "/old/(\\d+)", "Replace": "/new/$1-%"}]}},
        {
            "Type": "host-header-rewrite",
            "HostHeaderRewriteConfig": {"Rewrites": [{"Regex": "^(.*)\\.example$", "Replace": "$1.internal"}]},
        },
    ]
    host = {"Field": "host-header", "Values": ["*.example"]}
    arn = rule(world, application, host, action=forward(application["Group"]), Transforms=transforms)
    answer = world.get(f"{application['Url']}/api/old/42/x?y=1", "-H", "Host: shop.example")
    assert answer.json["target"] == "/api/new/42-%/x?y=1"
    assert answer.header_at_target("Host") == "shop.internal"
    world.aws("elbv2").delete_rule(RuleArn=arn)


def test_weights_share_requests_and_clients_stay(world: World, application: dict[str, Any]) -> None:
    groups = [world.group("green", (8002,)), world.group("grey", (8003,))]
    path = {"Field": "path-pattern", "Values": ["/weighted"]}
    arn = rule(world, application, path, action=forward(*groups, weights=(80, 20)))
    for group, port in zip(groups, (8002, 8003), strict=True):
        world.wait_health(group, port, "healthy")
    found = world.ports_of(world.many(f"{application['Url']}/weighted", 100))
    assert 60 <= found[8002] <= 95
    assert found[8002] + found[8003] == 100
    elbv2 = world.aws("elbv2")
    elbv2.modify_rule(RuleArn=arn, Actions=[forward(*groups, weights=(50, 50), stickiness_s=60)])
    settle(world, application)
    answer = world.get(f"{application['Url']}/weighted")
    assert len(answer.cookies) == 2
    cookie = next(value for value in answer.cookies if value.startswith("AWSALBTG=")).split(";")[0]
    stuck = world.ports_of(world.many(f"{application['Url']}/weighted", 20, "-H", f"Cookie: {cookie}"))
    assert stuck == {answer.json["port"]: 20}
    elbv2.modify_rule(RuleArn=arn, Actions=[forward(*groups, weights=(0, 1))])
    settle(world, application)
    assert world.ports_of(world.many(f"{application['Url']}/weighted", 10)) == {8003: 10}
    elbv2.delete_rule(RuleArn=arn)


# Targets --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def targets(world: World, application: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """A group of its own behind a path, and the URL of that; it is taken away at the end."""
    number = next(_priorities)
    group = world.group(f"group-{number}", HealthCheckPath="/health")
    arn = rule(
        world, application, {"Field": "path-pattern", "Values": [f"/{number}", f"/{number}/*"]}, action=forward(group)
    )
    yield group, f"{application['Url']}/{number}"
    elbv2 = world.aws("elbv2")
    elbv2.delete_rule(RuleArn=arn)
    elbv2.delete_target_group(TargetGroupArn=group)


def test_a_group_without_targets_is_unavailable(world: World, targets: tuple[str, str]) -> None:
    answer = world.get(targets[1])
    assert answer.status == 503
    assert "503 Service Temporarily Unavailable" in answer.body


def test_a_registered_target_is_served_soon_after_its_first_check(world: World, targets: tuple[str, str]) -> None:
    group, url = targets
    began = time.monotonic()
    world.register(group, 8004)
    told_s = seconds_until(lambda: world.health(group)[8004][0] == "healthy")
    print(f"healthy {time.monotonic() - began:.3f} s after RegisterTargets ({told_s:.3f} s of waiting)")
    assert world.get(url).json["port"] == 8004


def test_health_is_told_with_aws_reasons(world: World, targets: tuple[str, str]) -> None:
    group, url = targets
    world.register(group, 8004, 8005)
    world.register(group, 7999)
    for port in (8004, 8005):
        world.wait_health(group, port, "healthy")
    world.wait_health(group, 7999, "unhealthy", "Target.FailedHealthChecks")
    world.get(f"http://{world.target_address}:8005/set-health?503")
    world.wait_health(group, 8005, "unhealthy", "Target.ResponseCodeMismatch")
    (found,) = [
        one["TargetHealth"]
        for one in world.aws("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        if one["Target"]["Port"] == 8005
    ]
    assert found["Description"] == "Health checks failed with these codes: [503]"
    assert world.ports_of(world.many(url, 10)) == {8004: 10}
    # Where every target is unhealthy, all of them get requests.
    world.get(f"http://{world.target_address}:8004/set-health?500")
    world.wait_health(group, 8004, "unhealthy")
    assert world.get(url).status in (200, 502)
    for port in (8004, 8005):
        world.get(f"http://{world.target_address}:{port}/set-health?200")
    world.wait_health(group, 8005, "healthy")
    elbv2 = world.aws("elbv2")
    elbv2.modify_target_group(TargetGroupArn=group, HealthCheckPath="/slow?9")
    world.wait_health(group, 8005, "unhealthy", "Target.Timeout")


def test_a_target_finishes_what_it_has_before_it_is_gone(world: World, targets: tuple[str, str]) -> None:
    group, url = targets
    world.register(group, 8004, 8006)
    for port in (8004, 8006):
        world.wait_health(group, port, "healthy")
    elbv2 = world.aws("elbv2")
    script = (
        "import subprocess,sys\n"
        "a=[subprocess.Popen(['curl','-s',sys.argv[1]],stdout=-1,text=True) for _ in range(4)]\n"
        "print('\\n'.join(p.communicate()[0] for p in a))\n"
    )
    path = f"{url}/slow"
    # Slow requests go to a rule's path; targets are slow on /slow alone, so the path is rewritten for them.
    (found,) = [
        one
        for one in elbv2.describe_rules(ListenerArn=_listener(world))["Rules"]
        if one["Actions"][0].get("TargetGroupArn") == group
    ]
    rewrite = {"Rewrites": [{"Regex": "^/[0-9]+/slow.*$", "Replace": "/slow?4"}]}
    elbv2.modify_rule(RuleArn=found["RuleArn"], Transforms=[{"Type": "url-rewrite", "UrlRewriteConfig": rewrite}])
    wait_for(lambda: world.get(f"{path}?").json["target"] == "/slow?4", timeout_s=20, what="the transform")
    said: list[str] = []
    asking = threading.Thread(target=lambda: said.append(world.python(script, path)))
    asking.start()
    connected = f"ss -Hnt state established '( sport = :8006 )' src {world.target_address}"
    wait_for(lambda: len(world.run("sh", "-c", connected).splitlines()) >= 2, timeout_s=20, what="slow requests")
    world.deregister(group, 8006)
    assert world.health(group)[8006] == ("draining", "Target.DeregistrationInProgress")
    during = world.many(url, 10)
    assert world.ports_of(during) == {8004: 10}
    assert 8006 in world.health(group)
    asking.join()
    assert sorted(json.loads(line)["port"] for line in said[0].splitlines()) == [8004, 8004, 8006, 8006]
    # All is done, so that nobody waits for the rest of the 300 seconds.
    wait_for(lambda: 8006 not in world.health(group), timeout_s=40, what="the target to be gone")


def _listener(world: World) -> str:
    (found,) = world.aws("elbv2").describe_load_balancers(Names=["web"])["LoadBalancers"]
    listeners = world.aws("elbv2").describe_listeners(LoadBalancerArn=found["LoadBalancerArn"])["Listeners"]
    return str(next(one["ListenerArn"] for one in listeners if one["Port"] == 80))


def test_draining_ends_when_its_time_is_over(world: World, targets: tuple[str, str]) -> None:
    group, url = targets
    world.register(group, 8004)
    world.wait_health(group, 8004, "healthy")
    elbv2 = world.aws("elbv2")
    delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "3"}
    elbv2.modify_target_group_attributes(TargetGroupArn=group, Attributes=[delay])
    socket_script = (
        "import socket,sys,time\n"
        "s=socket.create_connection((sys.argv[1],80))\n"
        "s.sendall(b'GET '+sys.argv[2].encode()+b' HTTP/1.1\\r\\nHost: a\\r\\nUpgrade: websocket\\r\\n"
        "Connection: Upgrade\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n"
        "Sec-WebSocket-Version: 13\\r\\n\\r\\n')\n"
        "s.recv(4096)\nopen('/tmp/open-'+sys.argv[3],'w').close()\nt=time.time()\ns.settimeout(30)\ns.recv(1)\nprint(time.time()-t)\n"
    )
    said: list[str] = []
    host, path = url.removeprefix("http://").split("/", 1)
    asking = threading.Thread(target=lambda: said.append(world.python(socket_script, host, f"/{path}", path)))
    asking.start()
    wait_for(lambda: f"open-{path}" in world.run("ls", "/tmp"), timeout_s=20, what="the connection")
    world.deregister(group, 8004)
    took = seconds_until(lambda: 8004 not in world.health(group), timeout_s=20)
    asking.join()
    assert 2.5 < took < 12
    # The connection that stayed open was ended with it.
    assert float(said[0]) < 15


def test_clients_stay_with_a_target_by_the_load_balancers_cookie(world: World, targets: tuple[str, str]) -> None:
    group, url = targets
    elbv2 = world.aws("elbv2")
    sticky = [
        {"Key": "stickiness.enabled", "Value": "true"},
        {"Key": "stickiness.type", "Value": "lb_cookie"},
        {"Key": "stickiness.lb_cookie.duration_seconds", "Value": "60"},
    ]
    elbv2.modify_target_group_attributes(TargetGroupArn=group, Attributes=sticky)
    # Once there was a reload, and once without one.
    world.register(group, 8004)
    world.wait_health(group, 8004, "healthy")
    world.register(group, 8005)
    world.wait_health(group, 8005, "healthy")
    for _ in range(4):
        answer = world.get(url)
        cookie = next(value for value in answer.cookies if value.startswith("AWSALB=")).split(";")[0]
        assert world.ports_of(world.many(url, 6, "-H", f"Cookie: {cookie}")) == {answer.json["port"]: 6}


def test_clients_stay_with_a_target_by_the_applications_cookie(
    world: World, application: dict[str, Any], targets: tuple[str, str]
) -> None:
    group, url = targets
    elbv2 = world.aws("elbv2")
    sticky = [
        {"Key": "stickiness.enabled", "Value": "true"},
        {"Key": "stickiness.type", "Value": "app_cookie"},
        {"Key": "stickiness.app_cookie.cookie_name", "Value": "session"},
        {"Key": "stickiness.app_cookie.duration_seconds", "Value": "60"},
    ]
    elbv2.modify_target_group_attributes(TargetGroupArn=group, Attributes=sticky)
    (found,) = [
        one
        for one in elbv2.describe_rules(ListenerArn=_listener(world))["Rules"]
        if one["Actions"][0].get("TargetGroupArn") == group
    ]
    rewrite = {"Rewrites": [{"Regex": "^/[0-9]+", "Replace": ""}]}
    elbv2.modify_rule(RuleArn=found["RuleArn"], Transforms=[{"Type": "url-rewrite", "UrlRewriteConfig": rewrite}])
    world.register(group, 8004, 8005)
    for port in (8004, 8005):
        world.wait_health(group, port, "healthy")
    wait_for(lambda: world.get(f"{url}/cookie").cookies, timeout_s=20, what="the transform")
    answer = world.get(f"{url}/cookie")
    assert "session=abc" in answer.cookies[0]
    (own,) = [cookie.partition(";")[0] for cookie in answer.cookies if cookie.startswith("AWSALBAPP-0=")]
    stuck = {answer.json["port"]: 10}
    both = ("-H", f"Cookie: session=abc; {own}")
    assert world.ports_of(world.many(f"{url}/x", 10, *both)) == stuck
    # Another configuration, and so another process.
    settle(world, application)
    assert world.ports_of(world.many(f"{url}/x", 10, *both)) == stuck
    # Without the application's cookie there is no session.
    assert len(world.ports_of(world.many(f"{url}/x", 6, "-H", f"Cookie: {own}"))) == 2
    assert "AWSALBAPP-0=_remove_" in world.get(f"{url}/x").cookies[0]


KEEP_ALIVE = """
import http.client, sys, time
connection = http.client.HTTPConnection(sys.argv[1], 80, timeout=20)
for _ in range(2):
    connection.request("GET", "/age")
    answer = connection.getresponse(); answer.read()
    print(answer.status, answer.getheader("connection"))
    time.sleep(2)
"""


def test_a_clients_connection_ends_at_its_age(world: World, application: dict[str, Any]) -> None:
    row = LoadBalancer.objects.get(arn=application["LoadBalancerArn"])
    # Shorter than ELB's least, for which no test waits.
    LoadBalancer.objects.filter(pk=row.pk).update(attributes={**row.attributes, "client_keep_alive.seconds": "1"})
    settle(world, application)
    assert world.python(KEEP_ALIVE, application["Address"]).splitlines() == ["200 None", "200 close"]
    LoadBalancer.objects.filter(pk=row.pk).update(attributes=row.attributes)
    settle(world, application)


def test_a_target_that_refuses_is_a_bad_gateway(world: World, targets: tuple[str, str]) -> None:
    group, url = targets
    world.register(group, 7998)
    world.wait_health(group, 7998, "unhealthy")
    answer = world.get(url)
    assert answer.status == 502
    assert "502 Bad Gateway" in answer.body


# Protocols ------------------------------------------------------------------------------------------------------------


def test_web_sockets_pass(world: World, application: dict[str, Any]) -> None:
    script = (
        "import socket,sys\n"
        "s=socket.create_connection((sys.argv[1],80),10)\n"
        "s.sendall(b'GET /ws HTTP/1.1\\r\\nHost: a\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\nSec-WebSocket-Version: 13\\r\\n\\r\\n')\n"
        "print(s.recv(4096).split(b'\\r\\n')[0].decode())\n"
        "s.sendall(bytes([0x81,0x85,1,2,3,4])+bytes(b^(1,2,3,4)[i%4] for i,b in enumerate(b'hello')))\n"
        "print(s.recv(100)[2:].decode())\n"
    )
    assert world.python(script, application["Address"]).splitlines() == [
        "HTTP/1.1 101 Switching Protocols",
        "hello",
    ]


@pytest.fixture(scope="module")
def secure(world: World, application: dict[str, Any]) -> dict[str, Any]:
    """A listener with TLS on port 443, with two certificates."""
    acm = world.aws("acm")
    arns = [acm.request_certificate(DomainName=f"{name}.example.com")["CertificateArn"] for name in ("one", "two")]
    elbv2 = world.aws("elbv2")
    group = world.group("grpc", HTTP2_PORTS, ProtocolVersion="GRPC")
    (listener,) = elbv2.create_listener(
        LoadBalancerArn=application["LoadBalancerArn"],
        Protocol="HTTPS",
        Port=443,
        SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06",
        Certificates=[{"CertificateArn": arns[0]}],
        DefaultActions=[forward(application["Group"])],
    )["Listeners"]
    elbv2.add_listener_certificates(ListenerArn=listener["ListenerArn"], Certificates=[{"CertificateArn": arns[1]}])
    elbv2.create_rule(
        ListenerArn=listener["ListenerArn"],
        Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/test.Service/*"]}],
        Actions=[forward(group)],
    )
    world.wait_health(group, HTTP2_PORTS[0], "healthy")
    address = application["Address"]
    wait_for(lambda: "two" in _subject(world, address, "two.example.com"), timeout_s=30, what="the second certificate")
    return {"Listener": listener["ListenerArn"], "Arns": arns, "Url": f"https://{address}"}


def _subject(world: World, address: str, name: str) -> str:
    script = (
        "import socket,ssl,sys\n"
        "c=ssl.create_default_context(); c.check_hostname=False; c.verify_mode=0\n"
        "s=c.wrap_socket(socket.create_connection((sys.argv[1],443),10),server_hostname=sys.argv[2])\n"
        "print(ssl.DER_cert_to_PEM_cert(s.getpeercert(True)))\n"
    )
    printed = world.python(script, address, name)
    return x509.load_pem_x509_certificate(printed.encode()).subject.rfc4514_string() if printed.strip() else ""


def test_certificates_are_chosen_by_the_name_asked_for(
    world: World, application: dict[str, Any], secure: dict[str, Any]
) -> None:
    address = application["Address"]
    assert _subject(world, address, "one.example.com") == "CN=one.example.com"
    assert _subject(world, address, "two.example.com") == "CN=two.example.com"
    assert _subject(world, address, "none.example.com") == "CN=one.example.com"


def test_http2_and_tls_at_the_front(world: World, secure: dict[str, Any]) -> None:
    answer = world.get(f"{secure['Url']}/secure", "--http2", "-w", "\n%{http_version}")
    assert answer.status == 200
    assert answer.body.endswith("\n2")
    body = json.loads(answer.body.rpartition("\n")[0])
    assert ["X-Forwarded-Proto", "https"] in [[name.title(), value] for name, value in body["headers"]]
    old = world.run("curl", "-sk", "--tls-max", "1.1", "-o", "/dev/null", "-w", "%{http_code}", secure["Url"])
    assert old == "000"


def test_the_chain_is_the_accounts_authority(world: World, application: dict[str, Any], secure: dict[str, Any]) -> None:
    material = find_certificate(world.account.account_id, "us-east-1", secure["Arns"][0])
    assert material is not None
    world.run("sh", "-c", "cat > /tmp/ca.pem", text=material.chain)
    place = f"one.example.com:443:{application['Address']}"
    printed = world.run(
        "curl", "-s", "--cacert", "/tmp/ca.pem", "--resolve", place, "-w", "%{http_code}", "-o", "/dev/null",
        "https://one.example.com/",
    )  # fmt: skip
    assert printed == "200"


def test_grpc_passes_with_its_trailers(world: World, secure: dict[str, Any]) -> None:
    world.run("python3", "-c", "open('/tmp/message', 'wb').write(bytes(5))")
    printed = world.run(
        "curl", "-skv", "--http2", "-H", "content-type: application/grpc", "-H", "te: trailers",
        "--data-binary", "@/tmp/message", "-D", "-", "-o", "/dev/null", f"{secure['Url']}/test.Service/Call",
    )  # fmt: skip
    assert "grpc-status: 0" in printed


# Network load balancers -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network(world: World) -> dict[str, Any]:
    """A network load balancer with TCP on 7000 and UDP on 7001."""
    made = world.load_balancer("net", Type="network", Scheme="internal")
    elbv2 = world.aws("elbv2")
    tcp = world.group("tcp", (9001, 9002), Protocol="TCP", HealthCheckTimeoutSeconds=2)
    udp = world.group("udp", (9101, 9102), Protocol="UDP", HealthCheckPort="9001", HealthCheckTimeoutSeconds=2)
    for protocol, port, group in (("TCP", 7000, tcp), ("UDP", 7001, udp)):
        elbv2.create_listener(
            LoadBalancerArn=made["LoadBalancerArn"], Protocol=protocol, Port=port, DefaultActions=[forward(group)]
        )
    for group, ports in ((tcp, (9001, 9002)), (udp, (9101, 9102))):
        for port in ports:
            world.wait_health(group, port, "healthy")
    return made


def test_tcp_is_shared_among_targets(world: World, network: dict[str, Any]) -> None:
    script = (
        "import socket,sys\n"
        "for _ in range(30):\n"
        "  s=socket.create_connection((sys.argv[1],7000),5); s.sendall(b'hi'); print(s.recv(100).decode())\n"
    )
    said = world.python(script, network["Address"]).splitlines()
    assert set(said) == {"9001 hi", "9002 hi"}
    assert len(said) == 30


def test_udp_is_shared_among_targets(world: World, network: dict[str, Any]) -> None:
    script = (
        "import socket,sys\n"
        "for _ in range(30):\n"
        "  s=socket.socket(2,2); s.settimeout(5); s.sendto(b'hi',(sys.argv[1],7001)); print(s.recv(100).decode())\n"
    )
    said = world.python(script, network["Address"]).splitlines()
    assert set(said) == {"9101 hi", "9102 hi"}
    assert len(said) == 30


# All of it ------------------------------------------------------------------------------------------------------------


def test_its_name_resolves_in_the_vpc(world: World, application: dict[str, Any]) -> None:
    url = f"http://{application['DNSName']}/named"
    wait_for(lambda: world.get(url).status == 200, timeout_s=30, what="the name")
    assert world.get("http://web.elb.us-east-1.simfra.dev/named").json["target"] == "/named"


def test_both_addresses_serve(world: World, application: dict[str, Any]) -> None:
    description = f"ELB app/web/{application['LoadBalancerArn'][-16:]}"
    found = world.aws("ec2").describe_network_interfaces(Filters=[{"Name": "description", "Values": [description]}])
    addresses = [interface["PrivateIpAddress"] for interface in found["NetworkInterfaces"]]
    assert [world.get(f"http://{address}/").status for address in addresses] == [200, 200]


LOAD = """
import http.client, sys, threading, time
host, seconds = sys.argv[1], float(sys.argv[2])
end = time.time() + seconds
counts, errors = [], []
def ask():
    count, connection = 0, http.client.HTTPConnection(host, 80, timeout=20)
    while time.time() < end:
        try:
            connection.request("GET", "/load")
            answer = connection.getresponse(); answer.read()
            if answer.status != 200: errors.append(answer.status)
            if answer.getheader("connection") == "close": connection.close()
            count += 1
        except Exception as error:
            errors.append(repr(error)); connection.close()
    counts.append(count)
threads = [threading.Thread(target=ask) for _ in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
print(sum(counts), len(errors), errors[:3])
"""


def test_changes_under_load_lose_no_request(world: World, application: dict[str, Any]) -> None:
    said: list[str] = []
    asking = threading.Thread(target=lambda: said.append(world.python(LOAD, application["Address"], "8")))
    asking.start()
    for _ in range(3):
        settle(world, application)
        world.register(application["Group"], 8007)
        world.wait_health(application["Group"], 8007, "healthy")
        world.deregister(application["Group"], 8007)
    asking.join()
    count, errors, *examples = said[0].split(" ", 2)
    print("requests under load:", said[0])
    assert int(count) > 300
    assert int(errors) == 0, examples


def test_what_was_carried_is_counted(world: World, application: dict[str, Any]) -> None:
    dimensions = {"LoadBalancer": application["LoadBalancerArn"].rpartition(":loadbalancer/")[2]}

    def requests() -> float:
        now = datetime.now(UTC)
        query = MetricQuery(
            account_id=world.account.account_id,
            region="us-east-1",
            name="RequestCount",
            dimensions=dimensions,
            start=now - timedelta(hours=1),
            end=now + timedelta(minutes=1),
        )
        return sum(minute.sum for minute in read_metric("AWS/ApplicationELB", query))

    wait_for(lambda: requests() > 20, timeout_s=30, what="the figures")


def test_a_killed_container_is_replaced(world: World, application: dict[str, Any]) -> None:
    row = LoadBalancer.objects.get(arn=application["LoadBalancerArn"])
    DockerRuntime().remove_container(container_name(row))
    kick(KIND, row.arn)
    wait_for(lambda: world.get(f"{application['Url']}/again").status == 200, timeout_s=60, what="the new container")


def test_a_deleted_load_balancer_leaves_nothing(world: World) -> None:
    made = world.load_balancer("brief")
    world.aws("elbv2").delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])
    wait_for(
        lambda: not LoadBalancer.objects.filter(arn=made["LoadBalancerArn"]).exists(), timeout_s=30, what="its end"
    )
    filters = [{"Name": "description", "Values": ["ELB app/brief/*"]}]
    assert world.aws("ec2").describe_network_interfaces(Filters=filters)["NetworkInterfaces"] == []
