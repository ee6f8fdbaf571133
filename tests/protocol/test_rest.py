"""REST services: which operation a request names, and what travels outside the body."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from aws_api.core.errors import AwsError
from aws_api.protocol.plans import Protocol, plan_for
from aws_api.protocol.rest import match_rest
from aws_api.protocol.wire import WireRequest


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "operation"),
    [
        ("GET", "/", "", {}, "ListBuckets"),
        ("GET", "/bucket", "", {}, "ListObjects"),
        ("GET", "/bucket/", "", {}, "ListObjects"),
        ("GET", "/bucket", "list-type=2&prefix=a", {}, "ListObjectsV2"),
        ("GET", "/bucket", "location", {}, "GetBucketLocation"),
        ("GET", "/bucket", "lifecycle=", {}, "GetBucketLifecycleConfiguration"),
        ("GET", "/bucket/a/b/c", "", {}, "GetObject"),
        ("GET", "/bucket/a", "uploadId=1", {}, "ListParts"),
        ("PUT", "/bucket/a", "", {}, "PutObject"),
        ("PUT", "/bucket/a", "", {"x-amz-copy-source": "/other/a"}, "CopyObject"),
        ("PUT", "/bucket/a", "partNumber=1&uploadId=1", {}, "UploadPart"),
        ("PUT", "/bucket/a", "partNumber=1&uploadId=1", {"x-amz-copy-source": "/o/a"}, "UploadPartCopy"),
        ("POST", "/bucket/a", "uploads", {}, "CreateMultipartUpload"),
        ("POST", "/bucket/a", "uploadId=1", {}, "CompleteMultipartUpload"),
        ("DELETE", "/bucket/a", "", {}, "DeleteObject"),
        ("DELETE", "/bucket/a", "uploadId=1", {}, "AbortMultipartUpload"),
        ("POST", "/bucket", "delete", {}, "DeleteObjects"),
    ],
)
def test_s3_tells_operations_apart_by_path_query_and_headers(
    method: str, path: str, query: str, headers: dict[str, str], operation: str
) -> None:
    matched = match_rest("s3", method, path, query, headers)
    assert matched is not None
    assert matched[0] == operation


def test_a_greedy_label_takes_the_rest_of_the_path_decoded() -> None:
    assert match_rest("s3", "GET", "/bucket/a%20b/c%2Fd/", "") == ("GetObject", {"Bucket": "bucket", "Key": "a b/c/d/"})


def test_a_literal_segment_comes_before_a_label() -> None:
    assert match_rest("apigateway", "GET", "/restapis/abc/resources/root", "") == (
        "GetResource",
        {"restapi_id": "abc", "resource_id": "root"},
    )
    matched = match_rest("lambda", "GET", "/2015-03-31/functions/", "")
    assert matched == ("ListFunctions", {})


def test_what_no_operation_has_is_no_match() -> None:
    assert match_rest("apigateway", "GET", "/nowhere/at/all", "") is None
    assert match_rest("s3", "PATCH", "/bucket", "") is None


def test_headers_of_an_answer_are_the_members_bound_to_them() -> None:
    response = plan_for("s3", "GetObject", Protocol.REST_XML).serialize(
        {
            "Body": b"data",
            "ContentType": "text/plain",
            "LastModified": datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC),
            "Metadata": {"Color": "blue\r\nset-cookie: x", "name": "é"},
            "VersionId": None,
        },
        "id",
    )
    assert response.body == b"data"
    assert dict(response.headers) == {
        "x-amz-request-id": "id",
        "x-amz-id-2": "id",
        "content-type": "text/plain",
        "last-modified": "Sat, 31 Jan 2026 12:00:00 GMT",
        "x-amz-meta-color": "blue  set-cookie: x",
        "x-amz-meta-name": "=?UTF-8?B?w6k=?=",
    }


async def test_a_streamed_payload_is_handed_on_unread() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    plan = plan_for("s3", "PutObject", Protocol.REST_XML)
    parameters = plan.parse(WireRequest(method="PUT", raw_path="/bucket/key", body_stream=pieces()))
    assert b"".join([piece async for piece in parameters["Body"]]) == b"one two"
    stream = pieces()
    assert plan_for("s3", "GetObject", Protocol.REST_XML).serialize({"Body": stream}, "id").body is stream


def test_a_buckets_location_is_a_bare_root_element() -> None:
    plan = plan_for("s3", "GetBucketLocation", Protocol.REST_XML)
    body = plan.serialize({"LocationConstraint": "eu-west-1"}, "id").body
    assert isinstance(body, bytes)
    assert b'<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">eu-west-1</LocationConstraint>' in body


def test_a_label_that_is_no_number_is_refused() -> None:
    plan = plan_for("s3", "UploadPart", Protocol.REST_XML)
    with pytest.raises(AwsError):
        plan.parse(WireRequest(method="PUT", raw_path="/bucket/key", query="partNumber=one&uploadId=1"))


def test_old_clients_name_the_queue_by_the_path_alone() -> None:
    request = WireRequest(
        path="/000000000000/orders", headers={"host": "localhost:4599"}, body=b"Action=SendMessage&MessageBody=hi"
    )
    assert plan_for("sqs", "SendMessage", Protocol.QUERY).parse(request) == {
        "QueueUrl": "http://localhost:4599/000000000000/orders",
        "MessageBody": "hi",
    }
