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
    assert status == 400
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


def test_a_page_of_another_site_cannot_act_by_an_image_or_a_link(gateway: Any) -> None:
    query = (
        "Action=CreateUser&UserName=evil&Version=2010-05-08&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0"
        "&X-Amz-Credential=test/20260101/us-east-1/iam/aws4_request&X-Amz-SignedHeaders=host"
    )
    headers = {"host": "localhost:4599", "sec-fetch-site": "cross-site"}
    assert call(gateway, "GET", "/", query=query, headers=headers)[0] == 403


@pytest.mark.parametrize("path", ["/", "/v2/_catalog"])
def test_a_name_that_is_not_ours_has_no_privileges_of_loopback(gateway: Any, path: str) -> None:
    scope = "Credential=test/20260101/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=0"
    headers = {"host": "evil.example:4599"} | ({"authorization": f"AWS4-HMAC-SHA256 {scope}"} if path == "/" else {})
    body = b"Action=GetCallerIdentity&Version=2011-06-15" if path == "/" else b""
    assert call(gateway, "POST" if body else "GET", path, headers=headers, body=body)[0] in (400, 401, 403)


@pytest.mark.parametrize("forced", ["../../x", "vpc-a b", "<x>", "vpc-" + "a" * 100, ""])
def test_a_forced_id_is_an_id(aws: Any, forced: str) -> None:
    ec2 = aws("ec2")
    ec2.meta.events.register("before-sign", lambda request, **_: request.headers.add_header("X-Simfra-Id", forced))
    with pytest.raises(ClientError) as caught:
        ec2.create_vpc(CidrBlock="10.0.0.0/16")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize(
    "claim",
    [
        "Credential={key}/20260101/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=é",
        "Credential={key}/20260101/" + "r" * 40 + "/sts/aws4_request, SignedHeaders=host, Signature=0",
    ],
)
def test_a_garbled_signature_is_refused_and_not_a_failure(gateway: Any, account: Any, claim: str) -> None:
    headers = {
        "host": "localhost:4599",
        "x-amz-date": "20260101T000000Z",
        "content-type": "application/x-www-form-urlencoded",
        "authorization": "AWS4-HMAC-SHA256 " + claim.format(key=account.root_access_key_id),
    }
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    assert call(gateway, "POST", "/", headers=headers, body=body)[0] == 403


def test_an_empty_presigned_signature_is_refused(gateway: Any, account: Any) -> None:
    query = (
        "Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature="
        f"&X-Amz-Credential={account.root_access_key_id}/20260101/us-east-1/sts/aws4_request&X-Amz-SignedHeaders=host"
    )
    assert call(gateway, "GET", "/", query=query, headers={"host": "localhost:4599"})[0] in (400, 403)


def test_a_nul_in_a_registry_path_is_the_registrys_error(gateway: Any) -> None:
    status, _, body = call(gateway, "GET", "/v2/a/manifests/%00", headers={"host": "localhost:4599"})
    assert status == 400
    assert b"NAME_INVALID" in body
