"""Each role against each page and endpoint, generated from the routes: docs/access.md is what really happens."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from aws_api.core.models import Account
from console.access_control import access_control
from console.access_rules import SAFE_METHODS
from console.discovery import api_urlpatterns, page_urlpatterns
from console.models import EVERY_ACCOUNT, Membership
from console.scope import SESSION_KEY

TABLE = Path(__file__).resolve().parents[2] / "docs/access.md"
PASSED = 299
#: Whoever asks, as the table's columns call them.
ASKING = ("nobody", "viewer", "operator", "admin", "admin of all")
#: What changes nothing of an account, though it is posted.
HARMLESS = {"POST login", "PUT login", "POST logout", "POST scope", "POST _simfra/wait"}
#: What shows nothing of any account.
OF_NOBODY = ("/_simfra/health", "/_simfra/docs", "/_simfra/schema")


@dataclass(frozen=True, kw_only=True)
class Route:
    """A path as the resolver has it, and one that it matches."""

    pattern: str
    path: str


def routes(account_id: str) -> Iterator[Route]:
    for found in (*page_urlpatterns(), *api_urlpatterns()):
        pattern = str(found.pattern)
        path = re.sub(r"<\w+:account_id>", account_id, pattern)
        yield Route(pattern=pattern, path="/" + re.sub(r"<\w+:\w+>", "1", path))


@pytest.fixture
def shared_server(settings: Any) -> None:
    settings.SIMFRA_LOGIN = True
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def methods(gateway: Any, account: Account) -> dict[str, list[str]]:
    """What each route takes, as it says itself."""
    local = Client()
    taken: dict[str, list[str]] = {}
    for route in routes(account.account_id):
        allowed = local.options(route.path).headers.get("Allow", "GET, POST")
        taken[route.pattern] = sorted(set(allowed.split(", ")) - {"HEAD", "OPTIONS"})
    return taken


@pytest.fixture
def users(account: Account, shared_server: None) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name in ASKING[1:]:
        role, of_all = name.partition(" of ")[::2]
        user = get_user_model().objects.create_user(f"{name} {account.account_id}")
        scope = EVERY_ACCOUNT if of_all else account.account_id
        Membership.objects.create(user=user, of_account=scope, role=role)
        made[name] = user
    return made


def test_the_table_of_the_documentation_is_what_happens(
    methods: dict[str, list[str]], users: dict[str, Any], account: Account
) -> None:
    rows = []
    for route in routes(account.account_id):
        for method in methods[route.pattern]:
            cells = [passes(users.get(name), method, route.path, account.account_id) for name in ASKING]
            words = " | ".join("yes" if cell else "–" for cell in cells)
            rows.append(f"| `{method} /{route.pattern}` | {words} |")
    written = [line for line in TABLE.read_text().splitlines() if line.startswith("| `")]
    assert written == rows, "docs/access.md should have:\n" + "\n".join(rows)


def test_a_viewer_changes_nothing(methods: dict[str, list[str]], users: dict[str, Any], account: Account) -> None:
    browser = Client()
    browser.force_login(users["viewer"])
    for route in routes(account.account_id):
        for method in set(methods[route.pattern]) - SAFE_METHODS:
            if f"{method} {route.pattern}" not in HARMLESS:
                answer = browser.generic(method, route.path)
                assert answer.status_code == 403, f"{method} {route.pattern}"


def test_another_accounts_data_is_never_shown(
    aws: Any, methods: dict[str, list[str]], users: dict[str, Any], account: Account
) -> None:
    other = Account.objects.create(account_id="313131313131", alias="the-others")
    try:
        for name in ("viewer", "operator", "admin"):
            browser = Client()
            browser.force_login(users[name])
            session = browser.session
            session[SESSION_KEY] = [other.account_id, "us-east-1"]
            session.save()
            for route in routes(other.account_id):
                if "GET" not in methods[route.pattern]:
                    continue
                for path in (route.path, f"{route.path}?account_id={other.account_id}&account={other.account_id}"):
                    if path.startswith("/_simfra/events"):
                        continue  # a stream without an end; its rule is in the table
                    answer = browser.get(path)
                    shown = b"" if answer.streaming else answer.content
                    assert other.root_secret_access_key.encode() not in shown, path
                    assert b"the-others" not in shown, path
                    if path != route.path and path.startswith("/_simfra/") and not path.startswith(OF_NOBODY):
                        assert answer.status_code == 403, path
    finally:
        other.delete()


def passes(user: Any, method: str, path: str, account_id: str) -> bool:
    """Whether a request comes through to its view, which answers nothing but that."""
    request: HttpRequest = getattr(RequestFactory(), method.lower())(path, query_params={"account_id": account_id})
    request.user = user if user is not None else type("Anonymous", (), {"is_authenticated": False})()
    request.session = {SESSION_KEY: [account_id, "us-east-1"]}  # type: ignore[assignment]
    if path == "/scope":
        request.POST = {"account_id": account_id}  # type: ignore[assignment]
    return access_control(lambda _: HttpResponse(status=PASSED))(request).status_code == PASSED
