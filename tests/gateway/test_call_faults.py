"""Faults of AWS calls, as clients meet them: through the gateway in this process, and through another process."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError
from django.test import Client

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.faults import EffectType, collect_faults
from aws_api.core.models import Account, Fault
from aws_api.core.seeds import set_seed
from aws_api.gateway.call_faults import throttle_of
from tests.support.waiting import wait_for

Put = Callable[..., dict[str, Any]]


@pytest.fixture
def put(gateway: Any, account: Any) -> Put:
    """Make a fault of the account's by the admin API."""

    def make(effect: dict[str, Any], *, scope: dict[str, str] | None = None, **members: Any) -> dict[str, Any]:
        body = {"scope": {"accountId": account.account_id, **(scope or {})}, "effect": effect, **members}
        answer = Client().post("/_simfra/faults", body, content_type="application/json")
        assert answer.status_code == 201, answer.json()
        return dict(answer.json())

    return make


def shown(fault: dict[str, Any]) -> dict[str, Any]:
    return dict(Client().get(f"/_simfra/faults/{fault['id']}").json())


def outcome(call: Callable[..., Any], **parameters: Any) -> str:
    """A call's error code; ``ok`` where it has none."""
    try:
        call(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "ok"


@pytest.mark.parametrize(
    ("service", "operation", "code", "status"),
    [
        ("ecs", "list_clusters", "ThrottlingException", 400),
        ("dynamodb", "list_tables", "ThrottlingException", 400),
        ("sqs", "list_queues", "RequestThrottled", 400),
        ("sts", "get_caller_identity", "Throttling", 400),
        ("ec2", "describe_vpcs", "RequestLimitExceeded", 503),
        ("route53", "list_hosted_zones", "Throttling", 400),
    ],
)
def test_a_throttle_is_worded_as_the_service_words_it(
    aws: Any, put: Put, *, service: str, operation: str, code: str, status: int
) -> None:
    fault = put({"type": "throttle"}, scope={"service": service})
    with pytest.raises(ClientError) as refused:
        getattr(aws(service), operation)()
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["Error"]["Message"] in ("Rate exceeded", "Request limit exceeded.")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert refused.value.response["ResponseMetadata"]["RequestId"]
    assert shown(fault)["hits"] == 1


def test_services_of_rest_and_json_have_their_own_word() -> None:
    assert throttle_of("batch", "rest-json")[:2] == ("ThrottlingException", 429)
    assert throttle_of("s3", "rest-xml")[:2] == ("SlowDown", 503)


@pytest.mark.parametrize(
    ("effect", "code", "status"),
    [
        ({}, "InternalFailure", 500),
        ({"code": "ServiceUnavailable"}, "ServiceUnavailable", 503),
        ({"code": "ConflictException", "status": 409, "message": "Not now."}, "ConflictException", 409),
    ],
)
def test_calls_fail_with_the_error_that_is_given(
    aws: Any, put: Put, effect: dict[str, Any], code: str, status: int
) -> None:
    put({"type": "error", **effect})
    for service, operation in (("sqs", "list_queues"), ("sts", "get_caller_identity"), ("ecs", "list_clusters")):
        with pytest.raises(ClientError) as refused:
            getattr(aws(service), operation)()
        answer = refused.value.response
        assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
        assert answer["Error"]["Message"] == effect.get("message", answer["Error"]["Message"]) != ""


def test_only_what_is_in_the_scope_is_hit(aws: Any, put: Put, account: Any) -> None:
    sqs = aws("sqs")
    orders, other = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("orders", "other"))
    arn = f"arn:aws:sqs:us-east-1:{account.account_id}:orders"
    put({"type": "error", "code": "Broken"}, scope={"service": "sqs", "operation": "Send*", "resource": arn})
    assert outcome(sqs.send_message, QueueUrl=orders, MessageBody="other") == "Broken"
    assert outcome(sqs.send_message, QueueUrl=other, MessageBody="orders here") == "ok"
    assert outcome(sqs.receive_message, QueueUrl=orders) == "ok"
    put({"type": "error", "code": "Far"}, scope={"region": "eu-west-1", "service": "sqs"})
    assert outcome(sqs.list_queues) == "ok"
    assert outcome(aws("sqs", region_name="eu-west-1").list_queues) == "Far"


def test_another_account_is_never_hit(aws: Any, put: Put) -> None:
    put({"type": "error"})
    stranger = Account.objects.create(account_id="730000000001")
    keys = {"key": stranger.root_access_key_id, "secret": stranger.root_secret_access_key}
    assert outcome(aws("sqs", **keys).list_queues) == "ok"
    assert outcome(aws("sqs").list_queues) == "InternalFailure"


def test_a_fault_hits_at_most_so_many_times(aws: Any, put: Put) -> None:
    fault = put({"type": "throttle"}, times=2)
    assert [outcome(aws("sqs").list_queues) for _ in range(4)] == ["RequestThrottled", "RequestThrottled", "ok", "ok"]
    assert (shown(fault)["hits"], shown(fault)["times"]) == (2, 2)


def test_an_expired_fault_hits_nothing_and_is_forgotten(aws: Any, put: Put) -> None:
    fault = put({"type": "throttle"})
    assert outcome(aws("sqs").list_queues) == "RequestThrottled"
    assert Client().delete(f"/_simfra/faults/{fault['id']}").status_code == 204
    short = put({"type": "throttle"}, scope={"service": "ecs"}, expiresIn_s=0.1)
    # What the process remembers of a rule has its end.
    wait_for(lambda: outcome(aws("ecs").list_clusters) == "ok", timeout_s=60, what="the end of the fault")
    assert short["id"] not in [each["id"] for each in Client().get("/_simfra/faults").json()]
    collect_faults(SYSTEM_CLOCK.now() + timedelta(hours=1))
    assert not Fault.objects.filter(fault_id__in=[fault["id"], short["id"]]).exists()
    assert outcome(aws("sqs").list_queues) == "ok"


def test_a_seed_decides_which_calls_are_hit(aws: Any, put: Put, account: Any) -> None:
    def run() -> list[str]:
        set_seed(account.account_id, "42")
        fault = put({"type": "error", "code": "Broken"}, scope={"service": "sqs"}, probability=0.5)
        found = [outcome(aws("sqs").list_queues) for _ in range(16)]
        assert (shown(fault)["seen"], shown(fault)["hits"]) == (16, found.count("Broken"))
        Client().delete(f"/_simfra/faults/{fault['id']}")
        return found

    first = run()
    assert run() == first
    assert {"ok", "Broken"} == set(first)


def test_the_record_of_a_request_says_which_fault_hit_it(aws: Any, put: Put, account: Any, live_gateway: str) -> None:
    fault = put({"type": "throttle"}, times=1)
    sqs = away(live_gateway, account, "sqs")
    assert outcome(sqs.list_queues) == "ok", "tried again after being throttled"
    records = Client().get(f"/_simfra/debug/requests?account_id={account.account_id}&service=sqs").json()
    assert [(record["status"], record["fault"]) for record in records] == [(200, ""), (400, fault["id"])]


# Another process ------------------------------------------------------------------------------------------------------


def away(url: str, account: Any, service: str, **options: Any) -> Any:
    """A client of the gateway that is a process of its own, with boto3's own retries."""
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=account.root_access_key_id,
        aws_secret_access_key=account.root_secret_access_key,
        config=Config(**{"retries": {"mode": "standard"}, **options}),
    )


def test_another_process_goes_by_a_fault_at_once(account: Any, put: Put, live_gateway: str) -> None:
    sqs = away(live_gateway, account, "sqs", retries={"total_max_attempts": 1})
    for _ in range(5):
        assert outcome(sqs.list_queues) == "ok"
        fault = put({"type": "error", "code": "Broken"})
        assert outcome(sqs.list_queues) == "Broken"
        assert Client().delete(f"/_simfra/faults/{fault['id']}").status_code == 204


def test_a_call_without_an_answer_ends_when_the_client_gives_up(account: Any, put: Put, live_gateway: str) -> None:
    fault = put({"type": "timeout"}, times=1)
    sqs = away(live_gateway, account, "sqs", read_timeout=1, retries={"total_max_attempts": 1})
    with pytest.raises(ReadTimeoutError):
        sqs.list_queues()
    assert outcome(sqs.list_queues) == "ok"
    records = Client().get(f"/_simfra/debug/requests?account_id={account.account_id}").json()
    hung = next(record for record in records if record["fault"] == fault["id"])
    assert hung["duration_ms"] >= 900


def test_a_call_that_nobody_gives_up_is_ended(aws: Any, put: Put) -> None:
    put({"type": "timeout", "timeout_s": 0.2})
    assert outcome(aws("sqs").list_queues) == "RequestTimeout"


def test_a_slow_call_is_answered_late(account: Any, put: Put, live_gateway: str) -> None:
    fault = put({"type": "latency", "latency_ms": 300, "jitter_ms": 50}, times=1)
    sqs = away(live_gateway, account, "sqs")
    sqs.list_queues()
    sqs.list_queues()
    records = Client().get(f"/_simfra/debug/requests?account_id={account.account_id}").json()
    quick, slow = records
    assert slow["fault"] == fault["id"]
    assert slow["status"] == quick["status"] == 200
    assert slow["duration_ms"] >= 250 > quick["duration_ms"] or slow["duration_ms"] > quick["duration_ms"] + 200


def test_faults_of_tasks_are_none_of_calls(aws: Any, put: Put) -> None:
    put({"type": EffectType.UNHEALTHY.value})
    assert outcome(aws("sqs").list_queues) == "ok"
