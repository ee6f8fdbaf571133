"""Signatures, as clients make them and as AWS refuses them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.support.in_process import call

TASK_HOST = "198.19.0.2"


def error_of(client: Any, operation: str, **request: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**request)
    response = caught.value.response
    return response["Error"]["Code"], response["Error"]["Message"], response["ResponseMetadata"]["HTTPStatusCode"]


def signed(
    account: Any,
    *,
    query: str = "",
    at: datetime | None = None,
    body: bytes = b"",
    path: str = "/",
    region: str = "us-east-1",
) -> dict[str, str]:
    request = AWSRequest(
        "POST",
        f"http://localhost:4599{path}{query}",
        headers={"content-type": "application/x-www-form-urlencoded"},
        data=body,
    )
    SigV4Auth(Credentials(account.root_access_key_id, account.root_secret_access_key), "sts", region).add_auth(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return {**headers, "host": "localhost:4599"}


CALLER = b"Action=GetCallerIdentity&Version=2011-06-15"


def test_a_request_signed_with_the_root_key_is_the_root_user(aws: Any, account: Any) -> None:
    identity = aws("sts").get_caller_identity()
    assert identity["Arn"] == f"arn:aws:iam::{account.account_id}:root"
    assert identity["Account"] == identity["UserId"] == account.account_id


def test_the_documented_key_pair_is_the_root_of_the_default_account(aws: Any) -> None:
    client = aws("sts", key="AKIAIOSFODNN7EXAMPLE", secret="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    assert client.get_caller_identity()["Account"] == "000000000000"


def test_a_wrong_secret_does_not_match(aws: Any) -> None:
    code, message, status = error_of(aws("sts", secret="wrong"), "get_caller_identity")
    assert (code, status) == ("SignatureDoesNotMatch", 403)
    assert message.startswith("The request signature we calculated does not match the signature you provided.")


def test_json_services_say_invalid_signature_exception(aws: Any) -> None:
    code, _, status = error_of(aws("ecs", secret="wrong"), "list_clusters")
    assert (code, status) == ("InvalidSignatureException", 403)


@pytest.mark.parametrize("wrong", [{"secret": "wrong"}, {"key": "AKIAXXXXXXXXXXXXXXXX"}], ids=["secret", "key"])
def test_ec2_does_not_tell_which_part_was_wrong(aws: Any, wrong: dict[str, str]) -> None:
    refusal = ("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
    assert error_of(aws("ec2", **wrong), "describe_vpcs") == refusal


def test_an_unknown_key_is_not_recognised(aws: Any) -> None:
    code, message, status = error_of(aws("sts", key="AKIAUNKNOWNUNKNOWN00"), "get_caller_identity")
    assert (code, message, status) == (
        "InvalidClientTokenId",
        "The security token included in the request is invalid.",
        403,
    )
    assert error_of(aws("ecs", key="AKIAUNKNOWNUNKNOWN00"), "list_clusters")[0] == "UnrecognizedClientException"


def test_an_unsigned_request_lacks_its_token(gateway: Any) -> None:
    headers = {"host": "sts.us-east-1.localhost:4599", "content-type": "application/x-www-form-urlencoded"}
    status, _, body = call(gateway, "POST", "/", headers=headers, body=CALLER)
    assert status == 403
    assert b"<Code>MissingAuthenticationToken</Code>" in body
    assert b"Request is missing Authentication Token" in body


@pytest.mark.parametrize(
    ("authorization", "part"),
    [
        ("AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00", "'Credential'"),
        ("AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/sts/aws4_request, SignedHeaders=host", "'Signature'"),
        (
            "AWS4-HMAC-SHA256 Credential=AKIA/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=0",
            "5 slash-delimited",
        ),
        ("Basic QVdTOg==", "requires 'Credential' parameter"),
    ],
)
def test_a_header_that_lacks_a_part_is_an_incomplete_signature(gateway: Any, authorization: str, part: str) -> None:
    headers = {
        "host": "sts.us-east-1.localhost:4599",
        "content-type": "application/x-www-form-urlencoded",
        "authorization": authorization,
    }
    status, _, body = call(gateway, "POST", "/", headers=headers, body=CALLER)
    assert status == 400
    assert b"<Code>IncompleteSignature</Code>" in body
    assert (
        part.replace("'", "&#x27;").encode() in body
        or part.encode() in body
        or part.replace("'", "&apos;").encode() in body
    )


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_signature_of_another_time_is_refused(gateway: Any, account: Any, monkeypatch: Any, minutes: int) -> None:
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda remove_tzinfo=True: at.replace(tzinfo=None))
    headers = signed(account, body=CALLER)
    status, _, body = call(gateway, "POST", "/", headers=headers, body=CALLER)
    assert status == 403
    assert (b"Signature expired: " if minutes < 0 else b"Signature not yet current: ") in body
    assert b"15 min." in body


def test_a_changed_body_does_not_match(gateway: Any, account: Any) -> None:
    headers = signed(account, body=CALLER)
    status, _, body = call(gateway, "POST", "/", headers=headers, body=CALLER + b"&More=1")
    assert status == 403
    assert b"SignatureDoesNotMatch" in body


def test_paths_and_queries_are_signed_as_sent(gateway: Any, account: Any) -> None:
    query = "?Action=GetCallerIdentity&Version=2011-06-15&b=%2F%20x&a=1"
    headers = signed(account, query=query, path="/a%20b//c/")
    assert call(gateway, "POST", "/a%20b//c/", query=query[1:], headers=headers)[0] == 200


@pytest.mark.parametrize(("age_s", "expected"), [(0, 200), (61, 400)])
def test_a_presigned_request_holds_as_long_as_it_says(
    gateway: Any, account: Any, monkeypatch: Any, age_s: int, expected: int
) -> None:
    at = datetime.now(UTC) - timedelta(seconds=age_s)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda remove_tzinfo=True: at.replace(tzinfo=None))
    request = AWSRequest("GET", "http://localhost:4599/?Action=GetCallerIdentity&Version=2011-06-15")
    credentials = Credentials(account.root_access_key_id, account.root_secret_access_key)
    SigV4QueryAuth(credentials, "sts", "us-east-1", expires=60).add_auth(request)
    status, _, body = call(gateway, "GET", "/", query=request.url.partition("?")[2], headers={"host": "localhost:4599"})
    assert status == expected
    assert (b"RequestExpired" in body) == (expected == 400)


def test_the_key_test_and_account_ids_pass_unchecked_on_loopback(aws: Any) -> None:
    assert aws("sts", key="test", secret="x").get_caller_identity()["Account"] == "000000000000"
    assert aws("sts", key="123456789012", secret="x").get_caller_identity()["Account"] == "123456789012"


def test_calls_from_tasks_are_always_verified(aws: Any) -> None:
    for key in ("test", "123456789012"):
        client = aws("sts", key=key, secret="x", client_host=TASK_HOST)
        assert error_of(client, "get_caller_identity")[0] == "InvalidClientTokenId"


def test_strict_verifies_everybody(aws: Any, settings: Any) -> None:
    settings.SIMFRA_AUTH = "strict"
    assert error_of(aws("sts", key="test", secret="x"), "get_caller_identity")[0] == "InvalidClientTokenId"
