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
    accounts = Account.objects.order_by("account_id")
    access = getattr(request, "access", None)
    if access is None or access.accounts is not None:
        accounts = accounts.filter(account_id__in=access.accounts if access else ())
    return {
        "access": access,
        "login_is_wanted": settings.SIMFRA_LOGIN,
        "scope": scope_of(request.session),
        "account_ids": accounts.values_list("account_id", flat=True)[:MAX_OFFERED],
        "regions": regions(),
        "endpoint": settings.SIMFRA_ENDPOINT,
        "navigation": sections(links(), request.path) if access else (),
        "notice": take(request),
    }
