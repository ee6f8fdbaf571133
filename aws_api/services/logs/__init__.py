"""Amazon CloudWatch Logs: groups, streams and events in Postgres, searched by filter patterns.

Emulated: log groups and streams, PutLogEvents with AWS's size and time rules, GetLogEvents, FilterLogEvents with all
three kinds of filter patterns and regular expressions, retention, tags. Sequence tokens are not heeded, as on AWS.
After each PutLogEvents the bus topic ``logs.<account>.<region>.<group>`` carries
``{"logStreamName": ..., "logEvents": [...]}`` for live tails.
Not emulated: metric and subscription filters, Insights queries, exports, encryption (the key's name is kept).

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/Welcome.html
"""
