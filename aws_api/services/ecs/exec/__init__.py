"""ECS Exec: a program in a running container, held by whoever called ExecuteCommand through a websocket.

The protocol is that of the session-manager-plugin, which the AWS CLI starts: binary messages on a data channel, in
sequence, each acknowledged and sent again where it is not. ``messages`` and ``streams`` are that protocol and pure;
``channel`` joins it to a terminal. Where the cluster names a KMS key, ``encryption`` agrees on a data key with the
client.

A program whose gateway was killed runs on, and is ended by a chore minutes later; its client cannot go on with it.

Not emulated: logs in S3 (the bucket is stored).

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
https://github.com/aws/session-manager-plugin
"""
