"""The credential store of lasting keys: those of root users and of IAM users, cached until they change."""

from django.conf import settings
from django.db import transaction

from aws_api.core.authorization import Credential
from aws_api.core.caching import MetadataCache
from aws_api.core.context import Principal, PrincipalType, root_of
from aws_api.core.database import fetch_row

_ROOT_OR_USER = """
SELECT account_id, root_secret_access_key AS secret, NULL AS path, NULL AS name, NULL AS user_id
  FROM core_account WHERE root_access_key_id = $1
UNION ALL
SELECT identity.account_id, key.secret_access_key, identity.path, identity.name, identity.unique_id
  FROM iam_accesskey key JOIN iam_identity identity ON identity.id = key.user_id
 WHERE key.access_key_id = $1 AND key.status = 'Active'
 LIMIT 1
"""


class LastingKeyStore:
    """Root users' keys (the default account's are in the settings) and users' active keys."""

    async def find(self, access_key_id: str, session_token: str | None) -> Credential | None:
        """The credential of an active key. A lasting key with a session token does not hold."""
        if session_token:
            return None
        if access_key_id == settings.SIMFRA_ROOT_ACCESS_KEY_ID:
            return Credential(
                secret_access_key=settings.SIMFRA_ROOT_SECRET_ACCESS_KEY,
                principal=root_of(settings.SIMFRA_DEFAULT_ACCOUNT_ID, access_key_id),
            )
        return await _credentials.get(access_key_id)


def forget_credential(access_key_id: str) -> None:
    """Drop a key from every process's cache once the current transaction is committed."""
    transaction.on_commit(lambda: _credentials.invalidate(access_key_id))


async def _load(access_key_id: str) -> Credential | None:
    row = await fetch_row(_ROOT_OR_USER, access_key_id)
    if row is None:
        return None
    account_id = row["account_id"]
    if row["user_id"] is None:
        return Credential(secret_access_key=row["secret"], principal=root_of(account_id, access_key_id))
    return Credential(
        secret_access_key=row["secret"],
        principal=Principal(
            type=PrincipalType.USER,
            arn=f"arn:aws:iam::{account_id}:user{row['path']}{row['name']}",
            account_id=account_id,
            user_id=row["user_id"],
            access_key_id=access_key_id,
        ),
    )


_credentials: MetadataCache[str, Credential] = MetadataCache("iam.credentials", _load)
