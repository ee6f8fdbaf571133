"""Who may pass: the middleware that finds out who asks, refuses what they may not, and writes down what is changed."""

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render

from aws_api.core.clock import SYSTEM_CLOCK
from console.access import access_of
from console.access_rules import API_PREFIX, OPEN, SAFE_METHODS, need_of
from console.models import EVERY_ACCOUNT, AuditEntry
from console.scope import SESSION_KEY, scope_of

Handler = Callable[[HttpRequest], HttpResponse]
NOBODY = "nobody"


def access_control(get_response: Handler) -> Handler:
    """Set ``request.access``, or answer 403 (the API) or the login page (people) instead of the view."""

    def handle(request: HttpRequest) -> HttpResponse:
        of_api = request.path.startswith(API_PREFIX)
        access = access_of(request.user, _authorization(request, of_api=of_api), of_api=of_api)
        request.access = access  # type: ignore[attr-defined]
        refusal = None
        if not request.path.startswith(OPEN):
            refusal = _refusal(request, of_api=of_api)
        response = refusal or get_response(request)
        if request.method not in SAFE_METHODS:
            _write_down(request, response.status_code)
        return response

    return handle


def _refusal(request: HttpRequest, *, of_api: bool) -> HttpResponse | None:
    access = request.access  # type: ignore[attr-defined]
    if access is None:
        if of_api:
            return _refused(request, "Send the header Authorization: Bearer with an API token, or log in.")
        return HttpResponseRedirect(f"/login?{urlencode({'next': request.get_full_path()})}")
    if request.method not in SAFE_METHODS and _is_foreign(request):
        return _refused(request, "Another site's pages change nothing here.")
    if access.accounts is not None and not of_api and scope_of(request.session).account_id not in access.accounts:
        _show_an_own_account(request, access.accounts)
    need = need_of(request)
    missing = sorted(account for account in need.accounts if not access.allows(need.role, account))
    if missing:
        where = "every account" if missing == [EVERY_ACCOUNT] else f"account {', '.join(missing)}"
        return _refused(request, f"This needs the role {need.role} in {where}; {access.name} has not got it.")
    return None


def _refused(request: HttpRequest, reason: str) -> HttpResponse:
    if request.path.startswith(API_PREFIX):
        return JsonResponse({"error": reason}, status=403)
    return render(request, "console/refused.html", {"reason": reason}, status=403)


def _authorization(request: HttpRequest, *, of_api: bool) -> str:
    given = request.headers.get("Authorization", "")
    # A browser's event sources send no headers of their own.
    if not given and of_api and request.method in SAFE_METHODS and "token" in request.GET:
        given = f"Bearer {request.GET['token']}"
    return given


def _is_foreign(request: HttpRequest) -> bool:
    """Whether a page of another site sent this: programs send no Origin."""
    origin = request.headers.get("Origin")
    if origin is None:
        return request.headers.get("Sec-Fetch-Site") == "cross-site"
    return urlsplit(origin).netloc != request.get_host()


def _show_an_own_account(request: HttpRequest, accounts: frozenset[str]) -> None:
    """Somebody who is in no other account is shown one that they are in."""
    if accounts:
        request.session[SESSION_KEY] = (min(accounts), scope_of(request.session).region)


def _write_down(request: HttpRequest, status: int) -> None:
    access = getattr(request, "access", None)
    AuditEntry.objects.create(
        at=SYSTEM_CLOCK.now(),
        who=access.name if access else NOBODY,
        address=request.META.get("REMOTE_ADDR", "") or "",
        method=request.method or "",
        path=request.path[:1024],
        of_account=" ".join(sorted(need_of(request).accounts))[:12],
        status=status,
    )
