"""Bad input at the edge: the error that AWS gives, in the caller's format, and never a stack trace."""

import gzip
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.in_process import call


def sign(account: Any, service: str, headers: dict[str, str], body: bytes) -> dict[str, str]:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest("POST", "http://localhost:4599/", headers=headers, data=body)
    credentials = Credentials(account.root_access_key_id, account.root_secret_access_key)
    SigV4Auth(credentials, service, "us-east-1").add_auth(request)
    return {**{name.lower(): value for name, value in request.headers.items()}, "host": "localhost:4599"}


def post_json(gateway: Any, account: Any, service: str, target: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": target}
    return call(gateway, "POST", "/", headers=sign(account, service, headers, body), body=body)


ECS = "AmazonEC2ContainerServiceV20141113"


def test_an_operation_that_simfra_lacks_answers_501_with_its_name(aws: Any) -> None:
    with pytest.raises(ClientError) as caught:
        aws("ecs").submit_attachment_state_changes(attachments=[{"attachmentArn": "a", "status": "b"}])
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert "SubmitAttachmentStateChanges" in caught.value.response["Error"]["Message"]


def test_a_service_that_simfra_lacks_answers_501_with_its_name(aws: Any) -> None:
    with pytest.raises(ClientError) as caught:
        aws("braket").search_jobs(filters=[])
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert "braket" in caught.value.response["Error"]["Message"]


def test_an_operation_that_aws_lacks_is_unknown(gateway: Any, account: Any) -> None:
    status, _, body = post_json(gateway, account, "ecs", f"{ECS}.MakeCoffee", b"{}")
    assert status == 404
    assert b"UnknownOperationException" in body


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b'{"clusters": "x"}', b'{"clusters": [1]}'])
def test_malformed_json_is_a_serialization_exception(gateway: Any, account: Any, body: bytes) -> None:
    status, headers, answer = post_json(gateway, account, "ecs", f"{ECS}.DescribeClusters", body)
    assert status == 400
    assert b"SerializationException" in answer
    assert "x-amzn-requestid" in headers
    assert b"Traceback" not in answer


def test_an_oversized_body_is_refused(gateway: Any, account: Any, settings: Any) -> None:
    settings.SIMFRA_MAX_BODY_BYTES = 1000
    status, _, body = post_json(gateway, account, "ecs", f"{ECS}.DescribeClusters", b'{"x": "' + b"y" * 2000 + b'"}')
    assert status == 413
    assert b"RequestEntityTooLarge" in body


def test_gzip_bodies_are_inflated(gateway: Any, account: Any) -> None:
    body = gzip.compress(b'{"clusters": ["default"]}')
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": f"{ECS}.DescribeClusters",
        "content-encoding": "gzip",
    }
    status, _, answer = call(gateway, "POST", "/", headers=sign(account, "ecs", headers, body), body=body)
    assert status == 200
    assert b'"default"' in answer


def test_a_page_of_this_machine_may_call_and_a_foreign_one_may_not(gateway: Any) -> None:
    preflight = {"host": "localhost:4599", "access-control-request-headers": "authorization,x-amz-target"}
    status, headers, _ = call(gateway, "OPTIONS", "/", headers={**preflight, "origin": "http://localhost:3000"})
    assert status == 200
    assert headers["access-control-allow-origin"] == "http://localhost:3000"
    assert headers["access-control-allow-headers"] == "authorization,x-amz-target"
    status, headers, body = call(gateway, "POST", "/", headers={**preflight, "origin": "https://evil.example"})
    assert status == 403
    assert b"SIMFRA_CORS_ORIGINS" in body


def test_every_answer_carries_a_request_id(aws: Any) -> None:
    answer = aws("sts").get_caller_identity()
    assert len(answer["ResponseMetadata"]["RequestId"]) == 36


@pytest.mark.parametrize("value", ["a\x00b"])
def test_a_nul_character_is_refused_and_not_a_failure(aws: Any, value: str) -> None:
    with pytest.raises(ClientError) as caught:
        aws("ecs").create_cluster(clusterName="c", tags=[{"key": "k", "value": value}])
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    with pytest.raises(ClientError) as caught:
        aws("ssm").put_parameter(Name="/p", Value=value, Type="String")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
