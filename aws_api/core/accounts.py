"""The keys of an account's root user, for whatever acts or signs on its behalf."""

from dataclasses import dataclass, field

from django.conf import settings

from aws_api.core.models import Account


@dataclass(frozen=True)
class RootKeys:
    """An access key pair of the root user."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


def root_keys(account_id: str) -> RootKeys:
    """The root keys of an account: the settings' for the default account, else its row's.

    An account that was only named so far (a 12-digit access key) gets its row now.
    """
    if account_id == settings.SIMFRA_DEFAULT_ACCOUNT_ID:
        return RootKeys(settings.SIMFRA_ROOT_ACCESS_KEY_ID, settings.SIMFRA_ROOT_SECRET_ACCESS_KEY)
    account, _ = Account.objects.get_or_create(account_id=account_id)
    return RootKeys(account.root_access_key_id, account.root_secret_access_key)
