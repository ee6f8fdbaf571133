"""IAM's part in authorisation: it knows the callers of lasting keys and notes their use."""

from typing import Any

from django.db.models.signals import post_delete, post_save

from aws_api.core.authorization import register_authorizer, register_credential_store
from aws_api.core.models import Account
from aws_api.services.iam.credentials import LastingKeyStore, forget_credential
from aws_api.services.iam.key_usage import KeyUsage
from aws_api.services.iam.models import AccessKey


def _forget_root(sender: type[Account], instance: Account, **_: Any) -> None:
    forget_credential(instance.root_access_key_id)


def _forget_key(sender: type[AccessKey], instance: AccessKey, **_: Any) -> None:
    forget_credential(instance.access_key_id)


register_credential_store(LastingKeyStore())
register_authorizer(KeyUsage())
for signal in (post_save, post_delete):
    signal.connect(_forget_root, sender=Account)
    signal.connect(_forget_key, sender=AccessKey)
