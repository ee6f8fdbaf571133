"""DynamoDB: tables, items, secondary indexes and the whole expression language, in Postgres.

Emulated: tables (create, describe, update, delete, list, tags, time to live and continuous backups as settings), items
one by one and in batches, Query and Scan over tables and indexes, conditions and updates that are atomic between
processes, the legacy parameters, item sizes, consumed capacity and every limit of an item.
Not emulated: transactions, PartiQL, streams (their specification is stored and described), backups, global tables,
throttling; items do not expire. Every read is consistent, those of global indexes too.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
"""
