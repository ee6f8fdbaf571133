"""Clusters through boto3."""

from typing import Any

import pytest
from botocore.exceptions import ClientError


def test_the_default_cluster_is_there_without_being_created(ecs: Any, account: Any) -> None:
    arn = f"arn:aws:ecs:us-east-1:{account.account_id}:cluster/default"
    assert ecs.list_clusters()["clusterArns"] == [arn]
    (cluster,) = ecs.describe_clusters()["clusters"]
    assert (cluster["clusterArn"], cluster["status"], cluster["runningTasksCount"]) == (arn, "ACTIVE", 0)


def test_a_cluster_is_created_once_and_found_by_name_and_arn(ecs: Any) -> None:
    arn = ecs.create_cluster(clusterName="web", tags=[{"key": "team", "value": "a"}])["cluster"]["clusterArn"]
    assert ecs.create_cluster(clusterName="web")["cluster"]["clusterArn"] == arn
    described = ecs.describe_clusters(clusters=["web", arn, "none"], include=["TAGS", "SETTINGS"])
    assert [cluster["clusterArn"] for cluster in described["clusters"]] == [arn, arn]
    assert described["clusters"][0]["tags"] == [{"key": "team", "value": "a"}]
    assert described["clusters"][0]["settings"] == [{"name": "containerInsights", "value": "disabled"}]
    assert [(failure["arn"].rpartition("/")[2], failure["reason"]) for failure in described["failures"]] == [
        ("none", "MISSING")
    ]


def test_clusters_are_listed_in_pages(ecs: Any) -> None:
    for name in ("a", "b", "c"):
        ecs.create_cluster(clusterName=name)
    pages = list(ecs.get_paginator("list_clusters").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(page["clusterArns"]) for page in pages] == [3, 1]


def test_a_cluster_with_tasks_is_not_deleted(ecs: Any, register: Any) -> None:
    ecs.create_cluster(clusterName="busy")
    ecs.run_task(cluster="busy", taskDefinition=register())
    with pytest.raises(ClientError, match="The Cluster cannot be deleted while Tasks are active") as refused:
        ecs.delete_cluster(cluster="busy")
    assert refused.value.response["Error"]["Code"] == "ClusterContainsTasksException"


def test_a_deleted_cluster_is_inactive_takes_no_tasks_and_can_be_created_again(ecs: Any, register: Any) -> None:
    ecs.create_cluster(clusterName="web")
    assert ecs.delete_cluster(cluster="web")["cluster"]["status"] == "INACTIVE"
    assert ecs.describe_clusters(clusters=["web"])["clusters"][0]["status"] == "INACTIVE"
    with pytest.raises(ClientError, match="inactive") as refused:
        ecs.run_task(cluster="web", taskDefinition=register())
    assert refused.value.response["Error"]["Code"] == "ClusterNotFoundException"
    assert ecs.create_cluster(clusterName="web")["cluster"]["status"] == "ACTIVE"


def test_a_cluster_keeps_its_capacity_providers_and_settings(ecs: Any) -> None:
    ecs.create_cluster(clusterName="web")
    strategy = [{"capacityProvider": "FARGATE", "weight": 1, "base": 0}]
    ecs.put_cluster_capacity_providers(
        cluster="web", capacityProviders=["FARGATE", "FARGATE_SPOT"], defaultCapacityProviderStrategy=strategy
    )
    ecs.update_cluster_settings(cluster="web", settings=[{"name": "containerInsights", "value": "enabled"}])
    cluster = ecs.describe_clusters(clusters=["web"], include=["SETTINGS"])["clusters"][0]
    assert cluster["capacityProviders"] == ["FARGATE", "FARGATE_SPOT"]
    assert cluster["defaultCapacityProviderStrategy"] == strategy
    assert cluster["settings"] == [{"name": "containerInsights", "value": "enabled"}]


def test_a_cluster_is_not_made_of_what_is_not_there(ecs: Any) -> None:
    with pytest.raises(ClientError, match="capacity provider does not exist"):
        ecs.create_cluster(clusterName="web", capacityProviders=["missing"])
    with pytest.raises(ClientError, match="Associate the capacity provider with the cluster"):
        ecs.create_cluster(clusterName="web", defaultCapacityProviderStrategy=[{"capacityProvider": "FARGATE"}])
    nowhere = {"executeCommandConfiguration": {"logging": "OVERRIDE"}}
    with pytest.raises(ClientError, match="logConfiguration must be provided"):
        ecs.create_cluster(clusterName="web", configuration=nowhere)
    assert not [arn for arn in ecs.list_clusters()["clusterArns"] if arn.endswith("/web")]


def test_an_unknown_cluster_is_refused(ecs: Any) -> None:
    with pytest.raises(ClientError, match="Cluster not found") as refused:
        ecs.list_tasks(cluster="none")
    assert refused.value.response["Error"]["Code"] == "ClusterNotFoundException"


def test_an_operation_that_is_not_emulated_says_so(ecs: Any) -> None:
    with pytest.raises(ClientError) as refused:
        ecs.describe_daemon(daemonArn="none")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_account_settings_are_the_defaults_until_somebody_sets_them(ecs: Any) -> None:
    def effective() -> dict[str, str]:
        pages = ecs.get_paginator("list_account_settings").paginate(effectiveSettings=True)
        return {setting["name"]: setting["value"] for page in pages for setting in page["settings"]}

    assert effective()["containerInsights"] == "disabled"
    ecs.put_account_setting_default(name="containerInsights", value="enhanced")
    assert effective()["containerInsights"] == "enhanced"
    ecs.delete_account_setting(name="containerInsights")
    assert effective()["containerInsights"] == "disabled"
    with pytest.raises(ClientError, match="value should be one of"):
        ecs.put_account_setting(name="taskLongArnFormat", value="perhaps")
