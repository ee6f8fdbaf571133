"""Listeners, rules, certificates and target groups through boto3."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


def code(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refused.value.response["Error"]["Code"])


def forward(group: dict[str, Any]) -> dict[str, Any]:
    return {"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}


FIXED = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
PATH = {"Field": "path-pattern", "Values": ["/a*"]}


@pytest.fixture
def rule(elbv2: Any, listener: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
    (made,) = elbv2.create_rule(
        ListenerArn=listener["ListenerArn"], Priority=10, Conditions=[PATH], Actions=[forward(group)]
    )["Rules"]
    return dict(made)


def test_a_listener_is_described_with_aws_defaults(listener: dict[str, Any], group: dict[str, Any]) -> None:
    (action,) = listener["DefaultActions"]
    assert action["TargetGroupArn"] == group["TargetGroupArn"]
    assert action["ForwardConfig"] == {
        "TargetGroups": [{"TargetGroupArn": group["TargetGroupArn"], "Weight": 1}],
        "TargetGroupStickinessConfig": {"Enabled": False},
    }


def test_a_port_has_one_listener(elbv2: Any, load_balancer: dict[str, Any], listener: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as refused:
        elbv2.create_listener(
            LoadBalancerArn=load_balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=[FIXED]
        )
    assert code(refused) == "DuplicateListener"
    elbv2.modify_listener(ListenerArn=listener["ListenerArn"], Port=81, DefaultActions=[FIXED])
    (found,) = elbv2.describe_listeners(LoadBalancerArn=load_balancer["LoadBalancerArn"])["Listeners"]
    assert (found["Port"], found["DefaultActions"][0]["Type"]) == (81, "fixed-response")
    elbv2.delete_listener(ListenerArn=listener["ListenerArn"])
    with pytest.raises(ClientError) as refused:
        elbv2.describe_listeners(ListenerArns=[listener["ListenerArn"]])
    assert code(refused) == "ListenerNotFound"


def test_rules_come_by_priority_with_the_default_one_last(
    elbv2: Any, listener: dict[str, Any], rule: dict[str, Any]
) -> None:
    arn = listener["ListenerArn"]
    elbv2.create_rule(
        ListenerArn=arn, Priority=5, Conditions=[{"Field": "host-header", "Values": ["a.b"]}], Actions=[FIXED]
    )
    found = elbv2.describe_rules(ListenerArn=arn)["Rules"]
    assert [one["Priority"] for one in found] == ["5", "10", "default"]
    assert found[0]["Conditions"] == [
        {"Field": "host-header", "Values": ["a.b"], "HostHeaderConfig": {"Values": ["a.b"]}}
    ]
    with pytest.raises(ClientError) as refused:
        elbv2.create_rule(ListenerArn=arn, Priority=5, Conditions=[PATH], Actions=[FIXED])
    assert code(refused) == "PriorityInUse"
    with pytest.raises(ClientError) as refused:
        elbv2.delete_rule(RuleArn=found[-1]["RuleArn"])
    assert code(refused) == "OperationNotPermitted"


def test_rules_change_places(elbv2: Any, listener: dict[str, Any], rule: dict[str, Any]) -> None:
    arn = listener["ListenerArn"]
    (other,) = elbv2.create_rule(ListenerArn=arn, Priority=20, Conditions=[PATH], Actions=[FIXED])["Rules"]
    priorities = [{"RuleArn": rule["RuleArn"], "Priority": 20}, {"RuleArn": other["RuleArn"], "Priority": 10}]
    found = elbv2.set_rule_priorities(RulePriorities=priorities)["Rules"]
    assert [one["RuleArn"] for one in found] == [other["RuleArn"], rule["RuleArn"]]
    with pytest.raises(ClientError) as refused:
        elbv2.set_rule_priorities(RulePriorities=[{"RuleArn": rule["RuleArn"], "Priority": 10}])
    assert code(refused) == "PriorityInUse"


def test_a_rule_is_changed_in_parts(elbv2: Any, rule: dict[str, Any]) -> None:
    rewrite = {"Rewrites": [{"Regex": "^/a/(.*)$", "Replace": "/$1"}]}
    (changed,) = elbv2.modify_rule(
        RuleArn=rule["RuleArn"], Transforms=[{"Type": "url-rewrite", "UrlRewriteConfig": rewrite}]
    )["Rules"]
    assert changed["Conditions"] == rule["Conditions"]
    assert changed["Transforms"][0]["UrlRewriteConfig"] == rewrite
    (reset,) = elbv2.modify_rule(RuleArn=rule["RuleArn"], ResetTransforms=True, Actions=[FIXED])["Rules"]
    assert reset.get("Transforms", []) == []
    assert reset["Actions"][0]["FixedResponseConfig"]["ContentType"] == "text/plain"


@pytest.mark.parametrize(
    ("conditions", "actions", "expected"),
    [
        ([{"Field": "no-such", "Values": ["x"]}], [FIXED], "ValidationError"),
        ([{"Field": "path-pattern", "Values": [f"/{n}" for n in range(6)]}], [FIXED], "ValidationError"),
        ([PATH, PATH], [FIXED], "ValidationError"),
        ([{"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.1"]}}], [FIXED], "ValidationError"),
        ([{"Field": "host-header", "HostHeaderConfig": {"RegexValues": ["("]}}], [FIXED], "ValidationError"),
        ([PATH], [{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301"}}], "InvalidLoadBalancerAction"),
        ([PATH], [FIXED, FIXED], "TooManyActions"),
        ([PATH], [{"Type": "forward", "TargetGroupArn": "arn:none"}], "TargetGroupNotFound"),
        (
            [PATH],
            [
                {
                    "Type": "authenticate-cognito",
                    "AuthenticateCognitoConfig": {"UserPoolArn": "a", "UserPoolClientId": "b", "UserPoolDomain": "c"},
                }
            ],
            "NotImplemented",
        ),
    ],
)
def test_rules_that_make_no_sense_are_refused(
    elbv2: Any, listener: dict[str, Any], conditions: list[Any], actions: list[Any], expected: str
) -> None:
    with pytest.raises(ClientError) as refused:
        elbv2.create_rule(ListenerArn=listener["ListenerArn"], Priority=1, Conditions=conditions, Actions=actions)
    assert code(refused) == expected


def test_a_target_group_belongs_to_one_load_balancer(
    elbv2: Any, listener: dict[str, Any], group: dict[str, Any], subnets: list[str]
) -> None:
    (other,) = elbv2.create_load_balancer(Name="other", Subnets=subnets)["LoadBalancers"]
    with pytest.raises(ClientError) as refused:
        elbv2.create_listener(
            LoadBalancerArn=other["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=[forward(group)]
        )
    assert code(refused) == "TargetGroupAssociationLimit"
    with pytest.raises(ClientError) as refused:
        elbv2.delete_target_group(TargetGroupArn=group["TargetGroupArn"])
    assert code(refused) == "ResourceInUse"


def test_protocols_must_fit(elbv2: Any, load_balancer: dict[str, Any], vpc_id: str) -> None:
    (tcp,) = elbv2.create_target_group(Name="tcp", Protocol="TCP", Port=80, VpcId=vpc_id)["TargetGroups"]
    with pytest.raises(ClientError) as refused:
        elbv2.create_listener(
            LoadBalancerArn=load_balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=[forward(tcp)]
        )
    assert code(refused) == "IncompatibleProtocols"


def test_certificates_of_a_listener(elbv2: Any, acm: Any, load_balancer: dict[str, Any]) -> None:
    arns = [acm.request_certificate(DomainName=f"{name}.example.com")["CertificateArn"] for name in ("one", "two")]
    with pytest.raises(ClientError) as refused:
        elbv2.create_listener(
            LoadBalancerArn=load_balancer["LoadBalancerArn"], Protocol="HTTPS", Port=443, DefaultActions=[FIXED]
        )
    assert code(refused) == "ValidationError"
    (listener,) = elbv2.create_listener(
        LoadBalancerArn=load_balancer["LoadBalancerArn"],
        Protocol="HTTPS",
        Port=443,
        Certificates=[{"CertificateArn": arns[0]}],
        DefaultActions=[FIXED],
    )["Listeners"]
    assert listener["SslPolicy"] == "ELBSecurityPolicy-2016-08"
    elbv2.add_listener_certificates(ListenerArn=listener["ListenerArn"], Certificates=[{"CertificateArn": arns[1]}])
    found = elbv2.describe_listener_certificates(ListenerArn=listener["ListenerArn"])["Certificates"]
    assert [(one["CertificateArn"], one["IsDefault"]) for one in found] == [(arns[0], True), (arns[1], False)]
    assert acm.describe_certificate(CertificateArn=arns[1])["Certificate"]["InUseBy"] == [
        load_balancer["LoadBalancerArn"]
    ]
    with pytest.raises(ClientError) as refused:
        acm.delete_certificate(CertificateArn=arns[1])
    assert code(refused) == "ResourceInUseException"
    elbv2.remove_listener_certificates(ListenerArn=listener["ListenerArn"], Certificates=[{"CertificateArn": arns[1]}])
    acm.delete_certificate(CertificateArn=arns[1])


def test_targets_are_registered_and_told_apart(elbv2: Any, group: dict[str, Any], listener: dict[str, Any]) -> None:
    arn = group["TargetGroupArn"]
    elbv2.register_targets(TargetGroupArn=arn, Targets=[{"Id": "172.31.0.10"}, {"Id": "172.31.0.10", "Port": 81}])
    found = elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    assert [one["Target"]["Port"] for one in found] == [80, 81]
    assert found[0]["TargetHealth"]["Reason"] == "Elb.RegistrationInProgress"
    elbv2.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": "172.31.0.10", "Port": 81}])
    states = {
        one["Target"]["Port"]: one["TargetHealth"]["State"]
        for one in elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    }
    assert states == {80: "initial", 81: "draining"}
    (unknown,) = elbv2.describe_target_health(TargetGroupArn=arn, Targets=[{"Id": "172.31.0.99"}])[
        "TargetHealthDescriptions"
    ]
    assert unknown["TargetHealth"]["Reason"] == "Target.NotRegistered"
    elbv2.register_targets(TargetGroupArn=arn, Targets=[{"Id": "172.31.0.10", "Port": 81}])
    found = elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    assert {one["TargetHealth"]["State"] for one in found} == {"initial"}


def test_targets_of_a_group_that_nobody_uses_are_unused(elbv2: Any, group: dict[str, Any]) -> None:
    arn = group["TargetGroupArn"]
    elbv2.register_targets(TargetGroupArn=arn, Targets=[{"Id": "172.31.0.10"}])
    (found,) = elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    assert found["TargetHealth"]["Reason"] == "Target.NotInUse"
    elbv2.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": "172.31.0.10"}])
    assert elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"] == []


@pytest.mark.parametrize(("target_id", "expected"), [("8.8.8.8", "InvalidTarget"), ("i-0123", "ValidationError")])
def test_targets_outside_are_refused(elbv2: Any, group: dict[str, Any], target_id: str, expected: str) -> None:
    with pytest.raises(ClientError) as refused:
        elbv2.register_targets(TargetGroupArn=group["TargetGroupArn"], Targets=[{"Id": target_id}])
    assert code(refused) == expected


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"Protocol": "HTTP"}, {"HealthCheckTimeoutSeconds": 5, "HealthyThresholdCount": 5, "HealthCheckPath": "/"}),
        ({"Protocol": "TCP"}, {"HealthCheckProtocol": "TCP", "HealthCheckTimeoutSeconds": 10}),
        (
            {"Protocol": "HTTP", "ProtocolVersion": "GRPC"},
            {"HealthCheckPath": "/AWS.ALB/healthcheck", "Matcher": {"GrpcCode": "12"}},
        ),
        ({"Protocol": "TCP", "HealthCheckProtocol": "HTTP"}, {"Matcher": {"HttpCode": "200-399"}}),
    ],
)
def test_health_checks_have_defaults_by_protocol(
    elbv2: Any, vpc_id: str, members: dict[str, Any], expected: dict[str, Any]
) -> None:
    (made,) = elbv2.create_target_group(Name="checked", Port=80, VpcId=vpc_id, TargetType="ip", **members)[
        "TargetGroups"
    ]
    assert made.items() >= expected.items()


def test_health_checks_are_changed_and_bounded(elbv2: Any, group: dict[str, Any]) -> None:
    arn = group["TargetGroupArn"]
    (changed,) = elbv2.modify_target_group(
        TargetGroupArn=arn, HealthCheckPath="/health", Matcher={"HttpCode": "200,300-399"}, HealthyThresholdCount=2
    )["TargetGroups"]
    assert (changed["HealthCheckPath"], changed["Matcher"]) == ("/health", {"HttpCode": "200,300-399"})
    for member in (
        {"HealthCheckTimeoutSeconds": 60},
        {"Matcher": {"HttpCode": "100"}},
        {"HealthCheckPort": "ninety"},
        {"HealthCheckProtocol": "TCP"},
    ):
        with pytest.raises(ClientError) as refused:
            elbv2.modify_target_group(TargetGroupArn=arn, **member)
        assert code(refused) == "ValidationError"


def test_target_groups_that_make_no_sense_are_refused(
    elbv2: Any, group: dict[str, Any], vpc_id: str, aws: Callable[..., Any]
) -> None:
    for members, expected in (
        ({"Name": "app", "Protocol": "HTTP", "Port": 81, "VpcId": vpc_id}, "DuplicateTargetGroupName"),
        ({"Name": "bad-", "Protocol": "HTTP", "Port": 81, "VpcId": vpc_id}, "ValidationError"),
        ({"Name": "vpc", "Protocol": "HTTP", "Port": 81, "VpcId": "vpc-none"}, "ValidationError"),
        ({"Name": "function", "TargetType": "lambda"}, "NotImplemented"),
    ):
        with pytest.raises(ClientError) as refused:
            elbv2.create_target_group(**members)
        assert code(refused) == expected


def test_attributes_of_groups_and_listeners(elbv2: Any, group: dict[str, Any], listener: dict[str, Any]) -> None:
    delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "5"}
    found = elbv2.modify_target_group_attributes(TargetGroupArn=group["TargetGroupArn"], Attributes=[delay])
    assert delay in found["Attributes"]
    frame = {"Key": "routing.http.response.x_frame_options.header_value", "Value": "DENY"}
    elbv2.modify_listener_attributes(ListenerArn=listener["ListenerArn"], Attributes=[frame])
    assert frame in elbv2.describe_listener_attributes(ListenerArn=listener["ListenerArn"])["Attributes"]
