"""What every page's template has."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from aws_api.core.models import Account
from aws_api.services.ec2.zones import regions
from console.discovery import links
from console.navigation import sections
from console.notices import take
from console.scope import scope_of

#: Accounts offered in the switcher; any other can be typed.
MAX_OFFERED = 50


def page(request: HttpRequest) -> dict[str, Any]:
    """The scope, what else could be chosen, and the navigation."""
    return {
        "scope": scope_of(request.session),
        "account_ids": Account.objects.order_by("account_id").values_list("account_id", flat=True)[:MAX_OFFERED],
        "regions": regions(),
        "endpoint": settings.SIMFRA_ENDPOINT,
        "navigation": sections(links(), request.path),
        "notice": take(request),
    }
