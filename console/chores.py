"""What the console has done in the background: what was changed is remembered for a while, not for ever."""

from datetime import datetime, timedelta

from aws_api.core.housekeeping import register_chore
from console.models import ApiToken, AuditEntry

AUDIT_KEPT = timedelta(days=90)
EXPIRED_TOKENS_KEPT = timedelta(days=30)


@register_chore
def forget_what_is_old(now: datetime) -> None:
    """Delete old audit entries and tokens that expired long ago."""
    AuditEntry.objects.filter(at__lt=now - AUDIT_KEPT).delete()
    ApiToken.objects.filter(expires_at__lt=now - EXPIRED_TOKENS_KEPT).delete()
