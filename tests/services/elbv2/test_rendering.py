"""What HAProxy is told, as text."""

from collections.abc import Mapping
from typing import Any

from aws_api.core.certificates import CertificateMaterial
from aws_api.services.elbv2.attributes import RESPONSE_HEADER_PREFIX, RESPONSE_HEADERS
from aws_api.services.elbv2.rendering import render
from aws_api.services.elbv2.rendering.matching import acl_lines
from aws_api.services.elbv2.rendering.quoting import quoted, wildcard_regex
from aws_api.services.elbv2.specification import ListenerSpec, LoadBalancerSpec, RuleSpec, TargetGroupSpec

LOAD_BALANCER_ATTRIBUTES = {
    "access_logs.s3.enabled": "false",
    "client_keep_alive.seconds": "3600",
    "idle_timeout.timeout_seconds": "60",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
}
GROUP_ATTRIBUTES = {"load_balancing.algorithm.type": "round_robin", "stickiness.enabled": "false"}


def group(key: str, **attributes: str) -> TargetGroupSpec:
    return TargetGroupSpec(
        key=key,
        arn=f"arn:{key}",
        protocol="HTTP",
        protocol_version="HTTP1",
        health_check={},
        attributes={**GROUP_ATTRIBUTES, **attributes},
        version=1,
        targets=(),
    )


def rule(action: Mapping[str, Any], *conditions: Mapping[str, Any], transforms: tuple[Any, ...] = ()) -> RuleSpec:
    return RuleSpec(key="rule", priority=None, conditions=conditions, transforms=transforms, action=action)


def forward(**weights: int) -> dict[str, Any]:
    entries = [{"TargetGroupArn": f"arn:{key}", "Weight": weight} for key, weight in weights.items()]
    return {
        "Type": "forward",
        "ForwardConfig": {"TargetGroups": entries, "TargetGroupStickinessConfig": {"Enabled": False}},
    }


def text_of(*rules: RuleSpec, groups: tuple[TargetGroupSpec, ...] = (), **members: Any) -> str:
    listener = ListenerSpec(
        port=80,
        protocol=members.pop("protocol", "HTTP"),
        rules=rules,
        attributes={
            f"{RESPONSE_HEADER_PREFIX}server.enabled": "true",
            **{f"{RESPONSE_HEADER_PREFIX}{name}.header_value": "" for name in RESPONSE_HEADERS},
            **members.pop("listener_attributes", {}),
        },
        ssl_policy=members.pop("ssl_policy", ""),
        alpn_policy="",
        certificates=members.pop("certificates", ()),
    )
    return render(
        LoadBalancerSpec(
            arn="arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/web/0123",
            name="web",
            type=members.pop("type", "application"),
            addresses=("10.0.1.5", "10.0.2.5"),
            has_security_groups=True,
            attributes={**LOAD_BALANCER_ATTRIBUTES, **members},
            listeners=(listener,),
            target_groups=groups,
        )
    )


def test_texts_of_users_stay_texts() -> None:
    assert quoted('a "b" $HOME \\ \n#') == '"a \\"b\\" \\$HOME \\\\ \\n#"'
    assert wildcard_regex("/a.b/*?") == "/a\\.b/.*."


def test_a_listener_has_every_address_of_its_load_balancer() -> None:
    text = text_of(rule(forward(one=1)), groups=(group("one"),))
    assert "bind 10.0.1.5:80,10.0.2.5:80\n" in text
    assert "http-request set-var(txn.group) str(one) if { var(txn.rule) -m int 0 }\n" in text
    assert "backend one\n  mode http\n  balance roundrobin\n" in text
    assert "  # servers one\n" in text


def test_conditions_add_up_and_their_values_are_alternatives() -> None:
    path = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a", "/b*"]}}
    method = {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET", "PUT"]}}
    text = text_of(rule(forward(one=1), path, method), groups=(group("one"),))
    assert 'acl rule-0-0 path -m reg -- "^/a\\$"\n  acl rule-0-0 path -m reg -- "^/b.*\\$"\n' in text
    assert 'acl rule-0-1 method "GET" "PUT"\n' in text
    assert "set-var(txn.rule) int(0) if !{ var(txn.rule) -m found } rule-0-0 rule-0-1\n" in text


def test_a_query_condition_looks_at_one_pair() -> None:
    condition = {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "v", "Value": "2*"}]}}
    assert list(acl_lines("x", condition)) == ['acl x query -m reg -i -- "(^|&)v=2[^&]*(&|\\$)"']


def test_weights_are_rolled_for() -> None:
    text = text_of(rule(forward(one=80, two=0, three=20)), groups=(group("one"), group("two"), group("three")))
    assert "set-var(txn.dice) rand(100)" in text
    assert "set-var(txn.group) str(one) if { var(txn.rule) -m int 0 } !{ var(txn.group) -m found } " in text
    assert "{ var(txn.dice) -m int lt 80 }" in text
    assert "{ var(txn.dice) -m int lt 100 }" in text
    assert "str(two)" not in text


def test_a_redirect_is_a_format() -> None:
    config = {
        "Protocol": "HTTPS",
        "Host": "a.#{host}",
        "Port": "443",
        "Path": "/50%/#{path}",
        "Query": "#{query}",
        "StatusCode": "HTTP_301",
    }
    text = text_of(rule({"Type": "redirect", "RedirectConfig": config}))
    location = "https://a.%[var(txn.host)]:443/50%%/%[var(txn.path)]%[var(txn.query_suffix)]"
    assert f'redirect code 301 location "{location}"' in text


def test_a_rewrite_keeps_what_did_not_match() -> None:
    rewrite = {"Rewrites": [{"Regex": "/old/(\\d+)", "Replace": "/new/$1"}]}
    transform = {"Type": "url-rewrite", "UrlRewriteConfig": rewrite}
    text = text_of(rule(forward(one=1), transforms=(transform,)), groups=(group("one"),))
    assert 'replace-pathq "^(.*?)(?:/old/(\\\\d+))(.*)\\$" "\\\\1/new/\\\\2\\\\3"' in text


def test_tls_is_as_the_policy_says() -> None:
    certificate = CertificateMaterial(arn="arn:one", names=("one",), certificate="", chain="", private_key="")
    text = text_of(
        rule(forward(one=1)),
        groups=(group("one"),),
        protocol="HTTPS",
        certificates=(certificate,),
        ssl_policy="ELBSecurityPolicy-TLS13-1-2-2021-06",
    )
    assert "ssl crt-list /run/simfra/files/listener-80.crt-list ssl-min-ver TLSv1.2 ssl-max-ver TLSv1.3" in text
    assert "alpn h2,http/1.1" in text


def test_headers_of_answers_are_the_listeners() -> None:
    frame = {f"{RESPONSE_HEADER_PREFIX}x_frame_options.header_value": "DENY"}
    text = text_of(rule(forward(one=1)), groups=(group("one"),), listener_attributes=frame)
    assert 'http-after-response set-header X-Frame-Options "DENY"\n' in text


def test_stickiness_is_a_cookie_of_the_load_balancers() -> None:
    by_itself = group(
        "one",
        **{
            "stickiness.enabled": "true",
            "stickiness.type": "lb_cookie",
            "stickiness.lb_cookie.duration_seconds": "60",
        },
    )
    beside_the_applications = group(
        "two",
        **{
            "stickiness.enabled": "true",
            "stickiness.type": "app_cookie",
            "stickiness.app_cookie.cookie_name": "sid",
            "stickiness.app_cookie.duration_seconds": "60",
        },
    )
    text = text_of(rule(forward(one=1, two=1)), groups=(by_itself, beside_the_applications))
    assert "cookie AWSALB insert indirect nocache dynamic maxidle 60s" in text
    assert "cookie AWSALBAPP-0 insert indirect nocache dynamic maxidle 60s\n" in text
    assert "http-response set-var(txn.session) bool(true) if { res.cook(sid) -m found }\n" in text


def test_connections_of_clients_end_at_their_age() -> None:
    text = text_of(rule(forward(one=1)), groups=(group("one"),), **{"client_keep_alive.seconds": "90"})
    assert "http-after-response set-header Connection close if { date,sub(sess.began) -m int ge 90 }\n" in text


def test_what_access_logs_name_is_set_only_where_there_are_logs() -> None:
    rules = (rule(forward(web=1)),)
    assert "txn.agent" not in text_of(*rules, groups=(group("web"),))
    logged = text_of(*rules, groups=(group("web"),), **{"access_logs.s3.enabled": "true"})
    assert "http-request set-var(txn.arn) str(arn:web) if { var(txn.group) -m str web }" in logged
    assert "log-format" in logged
