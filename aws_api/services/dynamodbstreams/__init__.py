"""DynamoDB Streams: the changes of a table's items, in order, for a day.

Emulated: ListStreams, DescribeStream, GetShardIterator of every type, GetRecords; all view types. A stream has one open
shard, which is followed by another every four hours and closed with the stream. Records are numbered in the order of
the commits, so a reader that goes by the numbers misses none and sees the changes of an item in their order.
The records are DynamoDB's, which writes each together with the item.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB_Streams.html
"""
