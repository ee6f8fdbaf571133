"""Amazon Simple Queue Service: standard and FIFO queues whose messages live in Postgres.

Emulated: all 23 operations in the JSON and the query protocol; long polls that wake at once in whichever process they
wait; redrive, delays, retention, deduplication, message groups, message move tasks; queues' policies, which may let
other accounts in. Encryption attributes are kept, nothing is encrypted. A deleted queue's name may be used again at
once, unless SIMFRA_SQS_DELETION_COOL_DOWN_S asks for the 60 s of AWS. ReceiveRequestAttemptId is accepted and not
heeded; fair queues keep a message's group and share no differently for it.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html
"""
