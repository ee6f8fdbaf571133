"""The admin REST API below /_simfra/."""

from collections.abc import Callable
from typing import Any

from django.test import Client

from tests.support.waiting import wait_for


def test_health_says_what_runs(gateway: Any) -> None:
    body = Client().get("/_simfra/health").json()
    assert body["status"] == "healthy"
    assert body["services"] >= 8
    assert body["defaultAccountId"] == "000000000000"
    assert body["defaultRegion"] == "us-east-1"
    assert body["persistenceEnabled"] is True
    assert isinstance(body["dockerEnabled"], bool)


def test_services_lists_what_is_emulated(gateway: Any) -> None:
    services = {service["name"]: service for service in Client().get("/_simfra/services").json()}
    body = Client().get("/_simfra/services?names").json()
    assert body["services"] == sorted(services)
    assert body["totalServices"] == len(services)
    assert body["totalOperations"] == sum(len(service["operations"]) for service in services.values())
    assert "SendMessage" in services["sqs"]["operations"]
    assert set(services["sqs"]["protocols"]) >= {"json"}


def test_the_admin_token_is_asked_for_where_it_is_set(gateway: Any, settings: Any) -> None:
    settings.SIMFRA_ADMIN_TOKEN = "secret"
    refused = Client().get("/_simfra/services")
    assert refused.status_code == 403
    assert set(refused.json()) == {"error"}
    assert Client().get("/_simfra/services?names", headers={"authorization": "Bearer secret"}).status_code == 200
    assert Client().get("/_simfra/health").status_code == 200, "health never needs it"


def test_the_last_requests_are_listed_and_found(live_gateway: str, account: Any) -> None:
    import boto3

    client = boto3.client(
        "sqs",
        endpoint_url=live_gateway,
        region_name="us-east-1",
        aws_access_key_id=account.root_access_key_id,
        aws_secret_access_key=account.root_secret_access_key,
    )
    request_id = client.create_queue(QueueName="q")["ResponseMetadata"]["RequestId"]
    listed: Callable[[], list[dict[str, Any]]] = lambda: (  # noqa: E731
        Client().get(f"/_simfra/debug/requests?account_id={account.account_id}").json()
    )
    record = wait_for(listed, what="the request's record")[0]
    assert (record["id"], record["service"], record["operation"], record["status"]) == (
        request_id,
        "sqs",
        "CreateQueue",
        200,
    )
    assert record["region"] == "us-east-1"
    assert Client().get(f"/_simfra/debug/requests/{request_id}").json()["id"] == request_id
    assert Client().get("/_simfra/debug/requests/unknown").status_code == 404


def test_what_is_not_there_is_an_error_in_json(gateway: Any) -> None:
    answer = Client().get("/_simfra/nowhere")
    assert answer.status_code == 404
    assert answer.json() == {"error": "Nothing is at /_simfra/nowhere."}
