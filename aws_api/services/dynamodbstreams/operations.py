"""The operations of DynamoDB Streams.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB_Streams.html
"""

import hashlib
from typing import Any, cast

from aws_api.core.context import Context
from aws_api.core.errors import ValidationException
from aws_api.core.item_streams import ItemRecord, ItemStream, StreamShard, item_streams
from aws_api.services.dynamodbstreams.iterators import ShardIterator, parse_iterator, sequence_number, sequence_of
from aws_api.services.dynamodbstreams.service import dynamodbstreams
from aws_api.services.dynamodbstreams.shapes import (
    DescribeStreamInput,
    DescribeStreamOutput,
    GetRecordsInput,
    GetRecordsOutput,
    GetShardIteratorInput,
    GetShardIteratorOutput,
    ListStreamsInput,
    ListStreamsOutput,
    ResourceNotFoundException,
    TrimmedDataAccessException,
)

MAX_LISTED = 100
MAX_RECORDS = 1000
MAX_BYTES = 1024 * 1024


@dynamodbstreams.operation
def list_streams(context: Context, request: ListStreamsInput) -> ListStreamsOutput:
    """The streams of the account, or of one table.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_ListStreams.html
    """
    limit = min(request.get("Limit", MAX_LISTED), MAX_LISTED)
    found = item_streams().list(
        context.account_id,
        context.region,
        table_name=request.get("TableName"),
        after=request.get("ExclusiveStartStreamArn"),
        limit=limit + 1,
    )
    answer: dict[str, Any] = {
        "Streams": [
            {"StreamArn": stream.arn, "TableName": stream.table_name, "StreamLabel": stream.label}
            for stream in found[:limit]
        ]
    }
    if len(found) > limit:
        answer["LastEvaluatedStreamArn"] = found[limit - 1].arn
    return cast(ListStreamsOutput, answer)


@dynamodbstreams.operation
def describe_stream(context: Context, request: DescribeStreamInput) -> DescribeStreamOutput:
    """A stream and its shards, the oldest first.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_DescribeStream.html
    """
    stream = _stream(context, request["StreamArn"])
    shards = list(item_streams().shards(stream))
    if "ShardFilter" in request:
        parent = request["ShardFilter"].get("ShardId", "")
        shards = [shard for shard in shards if shard.parent_id == parent]
    if "ExclusiveStartShardId" in request:
        names = [shard.shard_id for shard in shards]
        if request["ExclusiveStartShardId"] in names:
            shards = shards[names.index(request["ExclusiveStartShardId"]) + 1 :]
    limit = min(request.get("Limit", MAX_LISTED), MAX_LISTED)
    description: dict[str, Any] = {
        "StreamArn": stream.arn,
        "StreamLabel": stream.label,
        "StreamStatus": "ENABLED" if stream.is_enabled else "DISABLED",
        "StreamViewType": stream.view_type,
        "CreationRequestDateTime": stream.created_at,
        "TableName": stream.table_name,
        "KeySchema": stream.key_schema,
        "Shards": [_described(shard) for shard in shards[:limit]],
    }
    if len(shards) > limit:
        description["LastEvaluatedShardId"] = shards[limit - 1].shard_id
    return cast(DescribeStreamOutput, {"StreamDescription": description})


@dynamodbstreams.operation
def get_shard_iterator(context: Context, request: GetShardIteratorInput) -> GetShardIteratorOutput:
    """A place in a shard to read from.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html
    """
    stream = _stream(context, request["StreamArn"])
    shard = _shard(stream, request["ShardId"])
    end = (stream.last if shard.last is None else shard.last) + 1
    match request["ShardIteratorType"]:
        case "TRIM_HORIZON":
            following = max(shard.first, stream.trimmed + 1)
        case "LATEST":
            following = end
        case "AT_TIMESTAMP":
            if "Timestamp" not in request:
                raise ValidationException("Timestamp is required for ShardIteratorType AT_TIMESTAMP")
            following = max(item_streams().first_since(stream, request["Timestamp"]) or end, shard.first)
        case kind:
            if "SequenceNumber" not in request:
                raise ValidationException(f"SequenceNumber is required for ShardIteratorType {kind}")
            sequence = sequence_of(request["SequenceNumber"])
            if not shard.first <= sequence <= max(end - 1, shard.first):
                raise ValidationException(
                    f"Invalid SequenceNumber: {request['SequenceNumber']} is not in the shard {shard.shard_id}"
                )
            _check_kept(stream, sequence)
            following = sequence if kind == "AT_SEQUENCE_NUMBER" else sequence + 1
    return {"ShardIterator": _iterator(context, stream, shard, following).text()}


@dynamodbstreams.operation
def get_records(context: Context, request: GetRecordsInput) -> GetRecordsOutput:
    """The next records of a shard; without a NextShardIterator where it is closed and there will be no more.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html
    """
    limit = request.get("Limit", MAX_RECORDS)
    if limit > MAX_RECORDS:
        raise ValidationException(
            f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: "
            f"Member must have value less than or equal to {MAX_RECORDS}"
        )
    iterator = parse_iterator(request["ShardIterator"], context.clock.epoch_ms())
    stream = _stream(context, iterator.stream_arn)
    shard = _shard(stream, iterator.shard_id)
    _check_kept(stream, iterator.next)
    records = item_streams().read(stream, first=iterator.next, last=shard.last, limit=limit, size=MAX_BYTES)
    following = records[-1].sequence + 1 if records else iterator.next
    answer: dict[str, Any] = {"Records": [_record(context, stream, record) for record in records]}
    # A closed shard may end with numbers that no record has.
    if shard.last is None or (following <= shard.last and records):
        answer["NextShardIterator"] = _iterator(context, stream, shard, following).text()
    return cast(GetRecordsOutput, answer)


def _stream(context: Context, arn: str) -> ItemStream:
    stream = item_streams().find(context.account_id, context.region, arn)
    if stream is None:
        raise ResourceNotFoundException(f"Requested resource not found: Stream: {arn} not found")
    return stream


def _shard(stream: ItemStream, shard_id: str) -> StreamShard:
    for shard in item_streams().shards(stream):
        if shard.shard_id == shard_id:
            return shard
    raise ResourceNotFoundException(f"Requested resource not found: Shard: {shard_id} of {stream.arn} not found")


def _check_kept(stream: ItemStream, sequence: int) -> None:
    if sequence <= stream.trimmed:
        raise TrimmedDataAccessException(
            "The operation attempted to read past the oldest stream record in a shard: "
            f"{sequence_number(sequence)} was trimmed"
        )


def _iterator(context: Context, stream: ItemStream, shard: StreamShard, following: int) -> ShardIterator:
    return ShardIterator(
        stream_arn=stream.arn, shard_id=shard.shard_id, next=following, made_at_ms=context.clock.epoch_ms()
    )


def _described(shard: StreamShard) -> dict[str, Any]:
    numbers = {"StartingSequenceNumber": sequence_number(shard.first)}
    if shard.last is not None:
        numbers["EndingSequenceNumber"] = sequence_number(shard.last)
    described: dict[str, Any] = {"ShardId": shard.shard_id, "SequenceNumberRange": numbers}
    if shard.parent_id:
        described["ParentShardId"] = shard.parent_id
    return described


def _record(context: Context, stream: ItemStream, record: ItemRecord) -> dict[str, Any]:
    return {
        "eventID": hashlib.blake2b(f"{stream.arn} {record.sequence}".encode(), digest_size=16).hexdigest(),
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": context.region,
        **record.record,
        "dynamodb": {
            **record.record["dynamodb"],
            "ApproximateCreationDateTime": record.at.replace(microsecond=0),
            "SequenceNumber": sequence_number(record.sequence),
        },
    }
