"""Secrets Manager: secrets, their versions and staging labels.

Emulated: every operation on secrets, one's own and those that another account's resource policy shares: names, ARNs and
ARNs without their random end; versions, staging labels, idempotency by ClientRequestToken; encryption through KMS;
replicas in other accounts, resource policies, deletion windows, restoring, random passwords, batches, filters, tags.
Not emulated: rotation itself: its schedule is kept, a rotation function is refused, since there is no Lambda to run it.
A replica in another region is a status of its secret, which nobody can read there; one in another account is a secret.
There are no organisations: all accounts count as of the same one.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/
"""
