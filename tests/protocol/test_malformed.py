"""Whatever comes in, a parser gives parameters or an AWS error, within its limits."""

import asyncio
import gzip
import itertools
import zlib
from collections.abc import AsyncIterator
from random import Random

import cbor2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aws_api.core.errors import AwsError, RequestEntityTooLarge, SerializationException
from aws_api.protocol import limits
from aws_api.protocol.encodings import decode_body, decode_stream, inflate
from aws_api.protocol.models import operation_model
from aws_api.protocol.plans import OperationPlan, Protocol, plan_for
from aws_api.protocol.rest import match_rest
from aws_api.protocol.wire import WireRequest
from tests.protocol.client import request_of
from tests.protocol.generated import Values

TARGETS = [
    ("sqs", "SendMessageBatch", Protocol.JSON),
    ("sqs", "SendMessageBatch", Protocol.QUERY),
    ("dynamodb", "TransactWriteItems", Protocol.JSON),
    ("ecs", "RegisterTaskDefinition", Protocol.JSON),
    ("ec2", "RunInstances", Protocol.EC2),
    ("iam", "CreateRole", Protocol.QUERY),
    ("apigateway", "CreateRestApi", Protocol.REST_JSON),
    ("s3", "PutBucketLifecycleConfiguration", Protocol.REST_XML),
    ("cloudwatch", "PutMetricData", Protocol.CBOR),
]


def parse_or_refuse(plan: OperationPlan, request: WireRequest) -> None:
    """Parse; an AWS error is as good an outcome, anything else fails the test."""
    try:
        assert isinstance(plan.parse(request), dict)
    except AwsError as error:
        plan.serialize_error(error, "request-id")


@pytest.mark.parametrize(("service", "operation", "protocol"), TARGETS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=st.binary(max_size=200), query=st.text(max_size=30))
def test_random_bytes_are_refused_with_an_aws_error(
    service: str, operation: str, protocol: Protocol, body: bytes, query: str
) -> None:
    parse_or_refuse(plan_for(service, operation, protocol), WireRequest(body=body, query=query))


@pytest.mark.parametrize(("service", "operation", "protocol"), TARGETS)
def test_damaged_requests_are_refused_with_an_aws_error(service: str, operation: str, protocol: Protocol) -> None:
    plan = plan_for(service, operation, protocol)
    shape = operation_model(service, operation).input_shape
    assert shape is not None
    random = Random(operation)
    parameters = Values(operation, 1.0, can_be_empty=False).structure(shape)
    request = request_of(operation_model(service, operation), protocol, parameters)
    for _ in range(300):
        body = bytearray(request.body)
        for _ in range(random.randint(1, 4)):
            at = random.randrange(len(body))
            match random.randrange(3):
                case 0:
                    body[at] = random.randrange(256)
                case 1:
                    del body[at : at + random.randrange(20)]
                case _:
                    body[at:at] = body[: random.randrange(20)]
            if not body:
                break
        parse_or_refuse(plan, WireRequest(raw_path=request.raw_path, query=request.query, body=bytes(body)))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(value=st.dictionaries(st.sampled_from(["MetricData", "Namespace", "EntityMetricData"]), JSON_VALUES))
def test_cbor_of_the_wrong_types_is_refused_with_an_aws_error(value: dict[str, object]) -> None:
    plan = plan_for("cloudwatch", "PutMetricData", Protocol.CBOR)
    parse_or_refuse(plan, WireRequest(body=cbor2.dumps(value)))


@pytest.mark.parametrize("depth", [limits.MAX_DEPTH + 10, 5_000, 200_000])
def test_json_nested_too_deeply_is_refused(depth: int) -> None:
    levels = b'{"L":[' * depth + b'{"S":"x"}' + b"]}" * depth
    plan = plan_for("dynamodb", "PutItem", Protocol.JSON)
    with pytest.raises(SerializationException):
        plan.parse(WireRequest(body=b'{"TableName":"table","Item":{"a":' + levels + b"}}"))


def test_json_as_deep_as_dynamodb_allows_is_parsed() -> None:
    levels = b'{"L":[' * 32 + b'{"S":"x"}' + b"]}" * 32
    plan = plan_for("dynamodb", "PutItem", Protocol.JSON)
    assert plan.parse(WireRequest(body=b'{"TableName":"table","Item":{"a":' + levels + b"}}"))["TableName"] == "table"


def test_cbor_nested_too_deeply_is_refused() -> None:
    plan = plan_for("cloudwatch", "PutMetricData", Protocol.CBOR)
    with pytest.raises(SerializationException):
        plan.parse(WireRequest(body=b"\x81" * 100_000))


@pytest.mark.parametrize("tag", [2, 28, 29, 35, 36, 258, 999])
def test_cbor_tags_that_are_no_timestamps_are_refused(tag: int) -> None:
    plan = plan_for("cloudwatch", "PutMetricData", Protocol.CBOR)
    with pytest.raises(SerializationException):
        plan.parse(WireRequest(body=cbor2.dumps({"Namespace": cbor2.CBORTag(tag, b"x")})))


def test_xml_nested_too_deeply_is_refused() -> None:
    plan = plan_for("s3", "PutBucketTagging", Protocol.REST_XML)
    with pytest.raises(AwsError):
        plan.parse(WireRequest(raw_path="/bucket", query="tagging", body=b"<a>" * 100_000))


def test_xml_with_entities_is_refused() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY c SYSTEM "file:///etc/passwd">]><Tagging>&b;&c;</Tagging>'
    plan = plan_for("s3", "PutBucketTagging", Protocol.REST_XML)
    with pytest.raises(AwsError) as raised:
        plan.parse(WireRequest(raw_path="/bucket", query="tagging", body=bomb))
    assert raised.value.code == "MalformedXML"


def test_a_huge_list_index_costs_nothing() -> None:
    plan = plan_for("ec2", "DescribeVpcs", Protocol.EC2)
    assert plan.parse(WireRequest(body=b"VpcId.1000000000=vpc-b&VpcId.7=vpc-a")) == {"VpcIds": ["vpc-a", "vpc-b"]}


def test_too_many_form_fields_are_refused() -> None:
    body = b"&".join(b"VpcId.%d=v" % index for index in range(limits.MAX_QUERY_PARAMETERS + 1))
    with pytest.raises(AwsError) as raised:
        plan_for("ec2", "DescribeVpcs", Protocol.EC2).parse(WireRequest(body=body))
    assert raised.value.code == "MalformedQueryString"


def test_a_compressed_body_is_inflated_within_the_limit() -> None:
    plan = plan_for("cloudwatch", "PutMetricData", Protocol.JSON)
    body = gzip.compress(b'{"Namespace":"App"}')
    assert plan.parse(WireRequest(headers={"content-encoding": "gzip"}, body=body)) == {"Namespace": "App"}
    with pytest.raises(RequestEntityTooLarge):
        inflate(gzip.compress(bytes(limits.MAX_INFLATED_BYTES + 1), 1))
    for broken in (body[:-3], b"plain", zlib.compress(b"{}"), b""):
        with pytest.raises(SerializationException):
            inflate(broken)


def chunked(*pieces: bytes, trailer: bytes = b"") -> bytes:
    """A body in aws-chunked frames with signatures."""
    signature = b";chunk-signature=" + b"a" * 64
    frames = [b"%x%s\r\n%s\r\n" % (len(piece), signature, piece) for piece in pieces]
    return b"".join(frames) + b"0" + signature + b"\r\n" + trailer + b"\r\n"


STREAMING = {"content-encoding": "aws-chunked", "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"}


def test_chunks_become_the_data_in_them() -> None:
    body = chunked(b"hello ", b"w\r\nrld", trailer=b"x-amz-checksum-crc32:AAAAAA==\r\n")
    assert decode_body(WireRequest(headers=STREAMING, body=body)) == b"hello w\r\nrld"


def test_an_objects_own_encoding_is_kept() -> None:
    headers = {**STREAMING, "content-encoding": "aws-chunked,gzip"}
    request = WireRequest(method="PUT", raw_path="/bucket/key", headers=headers, body=chunked(b"compressed"))
    parameters = plan_for("s3", "PutObject", Protocol.REST_XML).parse(request)
    assert (parameters["Body"], parameters["ContentEncoding"]) == (b"compressed", "gzip")


def test_chunks_cut_short_or_damaged_are_refused() -> None:
    body = chunked(b"hello")
    for broken in (body[:-80], body[:10], b"", b"zz\r\n", b"5\r\nhelloXX0\r\n\r\n", b"f" * 300, b"-1\r\n\r\n"):
        with pytest.raises(AwsError):
            decode_body(WireRequest(headers=STREAMING, body=broken))


@given(cuts=st.lists(st.integers(0, 250), max_size=8))
@settings(deadline=None)
def test_a_streamed_body_is_decoded_wherever_it_is_cut(cuts: list[int]) -> None:
    body = chunked(b"hello ", b"world", trailer=b"x-amz-checksum-crc32:AAAAAA==\r\n")
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]

    async def stream() -> AsyncIterator[bytes]:
        for start, end in itertools.pairwise(edges):
            yield body[start:end]

    async def collect() -> bytes:
        request = WireRequest(headers=STREAMING, body_stream=stream())
        return b"".join([piece async for piece in decode_stream(request)])

    assert asyncio.run(collect()) == b"hello world"


@given(method=st.sampled_from(["GET", "PUT", "DELETE", "FOO"]), path=st.text(max_size=20), query=st.text(max_size=20))
@settings(deadline=None)
def test_no_path_breaks_the_rest_router(method: str, path: str, query: str) -> None:
    try:
        match_rest("s3", method, "/" + path, query)
    except AwsError as error:
        assert error.code == "MalformedQueryString"
