"""Choosing the account and region that pages show."""

import re

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.urls import path
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from console.scope import SESSION_KEY

_REGION = re.compile(r"^[a-z]{2}(-[a-z]+)+-\d$")


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keep the posted account and region in the session and go back to the page."""
    account_id, region = request.POST.get("account_id", "").strip(), request.POST.get("region", "").strip()
    if not re.fullmatch(r"\d{12}", account_id) or not _REGION.match(region):
        return HttpResponseBadRequest("An account id has 12 digits, a region is named like us-east-1.")
    request.session[SESSION_KEY] = (account_id, region)
    back = request.POST.get("back", "/")
    return redirect(back if url_has_allowed_host_and_scheme(back, {request.get_host()}) else "/")


urlpatterns = [path("scope", choose, name="scope")]
