"""Service Connect through boto3: what is checked, settled, registered, and told to proxies."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws_api.services.ecs.models import Deployment, Registration, Task
from aws_api.services.ecs.service_connect_proxy import alias_address, hosts_of, proxy_configuration
from tests.services.ecs.service_stage import ServiceStage, service_stage, stage_of_tasks

__all__ = ["service_stage", "stage_of_tasks"]

PORT = {"name": "http", "containerPort": 8080, "appProtocol": "http"}


def connect(**offered: Any) -> dict[str, Any]:
    services = [{"portName": "http", "discoveryName": "backend", "clientAliases": [{"port": 80, "dnsName": "api"}]}]
    return {"enabled": True, "namespace": "shop", "services": [{**services[0], **offered}]}


@pytest.fixture
def ecs_namespace(aws: Callable[..., Any]) -> str:
    aws("servicediscovery").create_http_namespace(Name="shop")
    return "shop"


@pytest.fixture
def define(ecs: Any, ecs_namespace: str) -> None:
    ecs.register_task_definition(
        family="backend",
        networkMode="awsvpc",
        containerDefinitions=[{"name": "app", "image": "busybox", "memory": 64, "portMappings": [PORT]}],
    )


def create(ecs: Any, awsvpc: dict[str, Any], **offered: Any) -> dict[str, Any]:
    answer = ecs.create_service(
        serviceName="backend",
        taskDefinition="backend",
        desiredCount=1,
        networkConfiguration=awsvpc,
        serviceConnectConfiguration=connect(**offered),
    )
    return dict(answer["service"])


def test_a_deployment_says_what_it_has_in_cloud_map(
    ecs: Any, aws: Callable[..., Any], awsvpc: dict[str, Any], define: None
) -> None:
    (deployment,) = create(ecs, awsvpc)["deployments"]
    (resource,) = deployment["serviceConnectResources"]
    (found,) = aws("servicediscovery").list_services()["Services"]
    assert resource == {"discoveryName": "backend", "discoveryArn": found["Arn"]}
    assert found["Type"] == "HTTP"
    assert deployment["serviceConnectConfiguration"]["namespace"] == "shop"
    assert len(ecs.list_services_by_namespace(namespace="shop")["serviceArns"]) == 1


def test_proxies_are_told_where_registered_tasks_are(
    ecs: Any, account: Any, awsvpc: dict[str, Any], define: None
) -> None:
    create(ecs, awsvpc, timeout={"perRequestTimeoutSeconds": 7, "idleTimeoutSeconds": 60})
    deployment = Deployment.objects.select_related("service").get(account_id=account.account_id)
    assert hosts_of(deployment) == f"{alias_address('api')} api"
    arn = deployment.document["connect"]["endpoints"][0]["discoveryArn"]
    before = proxy_configuration(deployment)
    assert before["servers"] == {"api-80": []}
    task = ecs.run_task(taskDefinition="backend", networkConfiguration=awsvpc)["tasks"][0]["taskArn"]
    Registration.objects.create(
        service=deployment.service,
        task_arn=task,
        resource_arn=arn,
        target_id="t",
        port=8080,
        last_state="REGISTERED",
        last_changed_at=deployment.created_at,
    )
    told = proxy_configuration(deployment)
    details = {each["name"]: each["value"] for each in Task.objects.get(arn=task).network["details"]}
    (server,) = told["servers"]["api-80"]
    assert server["address"] == f"{details['privateIPv4Address']}:8080"
    assert "error-limit 5" in server["options"]
    assert told["digest"] != before["digest"]
    for line in (f"bind {alias_address('api')}:80", "retries 2", "timeout server 7s", "timeout client 60s"):
        assert f"  {line}\n" in told["haproxy"]


def test_the_cluster_has_a_namespace_by_default(
    ecs: Any, aws: Callable[..., Any], awsvpc: dict[str, Any], define: None
) -> None:
    ecs.create_cluster(clusterName="default", serviceConnectDefaults={"namespace": "fresh"})
    names = [each["Name"] for each in aws("servicediscovery").list_namespaces()["Namespaces"]]
    assert sorted(names) == ["fresh", "shop"]


@pytest.mark.parametrize(
    "offered",
    [
        {"portName": "other"},
        {"clientAliases": [{"port": 80, "dnsName": "api\n  stats enable"}]},
        {"clientAliases": [{"port": 80}, {"port": 81}]},
        {"tls": {"issuerCertificateAuthority": {"awsPcaAuthorityArn": "arn:aws:acm-pca:a:b:c"}}},
    ],
)
def test_what_cannot_be_had_is_refused(ecs: Any, awsvpc: dict[str, Any], define: None, offered: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as failed:
        create(ecs, awsvpc, **offered)
    assert failed.value.response["Error"]["Code"] == "InvalidParameterException"


def test_a_namespace_that_is_not_there_is_refused(ecs: Any, awsvpc: dict[str, Any], define: None) -> None:
    with pytest.raises(ClientError) as failed:
        ecs.create_service(
            serviceName="b",
            taskDefinition="backend",
            desiredCount=1,
            networkConfiguration=awsvpc,
            serviceConnectConfiguration={"enabled": True, "namespace": "nowhere"},
        )
    assert failed.value.response["Error"]["Code"] == "NamespaceNotFoundException"


def test_services_without_it_have_no_proxy(service_stage: ServiceStage, register: Callable[..., str]) -> None:
    register("plain", networkMode="bridge")
    service_stage.create("plain")
    (task,) = service_stage.tasks("plain")
    assert list(Task.objects.get(arn=task["taskArn"]).last_containers) == ["app"]
