"""DynamoDB: tables, items, indexes, expressions, transactions, PartiQL, streams, expiry and backups, in Postgres.

Emulated: tables (create, describe, update, delete, list, tags, resource policies), items one by one, in batches and in
transactions, Query and Scan over tables and indexes, conditions and updates that are atomic between processes, the
legacy parameters, PartiQL statements, time to live, streams (the service dynamodbstreams reads them), global tables
whose replicas share their items, backups, point-in-time recovery and tables restored from both, item sizes, consumed
capacity and every limit of an item. A large table enters a new index in the background; its counts are some minutes
old, at AWS six hours. Every read is consistent, those of global indexes and replicas too.

Not emulated: throttling, exports and imports, auto scaling, contributor insights, Kinesis destinations, vector
indexes. A batch on tables of several accounts is refused.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
"""
