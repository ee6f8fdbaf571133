"""When, where and for what each user's key was last used, for GetAccessKeyLastUsed."""

from datetime import datetime, timedelta

from aws_api.core.context import Context, PrincipalType
from aws_api.core.database import fetch
from aws_api.core.service import Operation

#: A use is written down this often per key and process: AWS's own record lags, too.
INTERVAL = timedelta(minutes=1)
MAX_KEYS = 10_000

_RECORD = """
UPDATE iam_accesskey SET last_used_at = $2, last_used_service = $3, last_used_region = $4 WHERE access_key_id = $1
"""


class KeyUsage:
    """The authorizer tells it of every call, because that sees each with its caller."""

    def __init__(self) -> None:
        self._recorded: dict[str, datetime] = {}

    async def note(self, context: Context, operation: Operation) -> None:
        """Note the key's use."""
        principal = context.principal
        key = principal.access_key_id
        if principal.type is not PrincipalType.USER or not key.startswith("AKIA"):
            return
        now, recorded = context.clock.now(), self._recorded.get(key)
        if recorded is not None and now - recorded < INTERVAL:
            return
        if len(self._recorded) >= MAX_KEYS:
            self._recorded.clear()
        self._recorded[key] = now
        await fetch(_RECORD, key, now, operation.service, context.region)
