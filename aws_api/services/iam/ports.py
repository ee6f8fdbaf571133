"""IAM's part in authorisation: it knows the callers of lasting keys, and judges every call."""

from typing import Any

from django.db.models.signals import m2m_changed, post_delete, post_save

from aws_api.core.authorization import register_authorizer, register_credential_store
from aws_api.core.models import Account
from aws_api.services.iam.authorizer import IamAuthorizer
from aws_api.services.iam.callers import forget_account
from aws_api.services.iam.credentials import LastingKeyStore, forget_credential
from aws_api.services.iam.models import AccessKey, Attachment, Identity, InlinePolicy, ManagedPolicy, PolicyVersion


def _forget_root(sender: type[Account], instance: Account, **_: Any) -> None:
    forget_credential(instance.root_access_key_id)


def _forget_key(sender: type[AccessKey], instance: AccessKey, **_: Any) -> None:
    forget_credential(instance.access_key_id)


def _forget_own(sender: Any, instance: Identity | ManagedPolicy, **_: Any) -> None:
    forget_account(instance.account_id)


def _forget_bearer(sender: Any, instance: InlinePolicy | Attachment, **_: Any) -> None:
    forget_account(instance.identity.account_id)


def _forget_version(sender: type[PolicyVersion], instance: PolicyVersion, **_: Any) -> None:
    forget_account(instance.policy.account_id)


register_credential_store(LastingKeyStore())
register_authorizer(IamAuthorizer())
for signal in (post_save, post_delete):
    signal.connect(_forget_root, sender=Account)
    signal.connect(_forget_key, sender=AccessKey)
    signal.connect(_forget_own, sender=Identity)
    signal.connect(_forget_own, sender=ManagedPolicy)
    signal.connect(_forget_bearer, sender=InlinePolicy)
    signal.connect(_forget_bearer, sender=Attachment)
    signal.connect(_forget_version, sender=PolicyVersion)
m2m_changed.connect(_forget_own, sender=Identity.groups.through)
