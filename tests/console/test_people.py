"""People on a shared server: who may log in, who may do what, and what is written down."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from aws_api.core.models import Account
from console.models import EVERY_ACCOUNT, ApiToken, AuditEntry, Membership, Role

PASSWORD = "a long and lonely passphrase"
PAGES = ("/", "/clusters/", "/faults/", "/resources/", "/search")
SCOPED_API = (
    "/_simfra/debug/requests?account_id={}",
    "/_simfra/faults?accountId={}",
    "/_simfra/port-forwards?account={}&region=us-east-1",
)
GLOBAL_API = ("/_simfra/accounts", "/_simfra/docker/containers", "/_simfra/storage/summary")
ADMIN_API = ("/_simfra/tokens", "/_simfra/audit")

LogIn = Callable[..., Client]


@pytest.fixture(autouse=True)
def shared_server(settings: Any, gateway: Any) -> None:
    settings.SIMFRA_LOGIN = True
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def log_in(account: Account) -> LogIn:
    """``log_in("viewer")``: a browser of a new user with that role in the account, or in ``of_account``."""

    def make(role: str, of_account: str = "") -> Client:
        of_account = of_account or account.account_id
        name = f"{role}-{of_account}-{get_user_model().objects.count()}"
        user = get_user_model().objects.create_user(name, password=PASSWORD)
        Membership.objects.create(user=user, of_account=of_account, role=role)
        browser = Client()
        answer = browser.post("/login", {"username": name, "password": PASSWORD})
        assert answer.status_code == 302, answer.content
        return browser

    return make


def bearer(account_id: str, role: str, made: Client) -> dict[str, str]:
    body = {"name": "ci", "accountId": account_id, "role": role}
    answer = made.post("/_simfra/tokens", body, content_type="application/json")
    assert answer.status_code == 201, answer.content
    return {"authorization": f"Bearer {answer.json()['token']}"}


def test_nobody_sees_anything_without_logging_in(account: Account) -> None:
    for page in PAGES:
        answer = Client().get(page)
        assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, "/login")
    for path in (*SCOPED_API, *GLOBAL_API, *ADMIN_API):
        answer = Client().get(path.format(account.account_id))
        assert answer.status_code == 403
        assert set(answer.json()) == {"error"}
    assert Client().get("/_simfra/health").status_code == 200


@pytest.mark.parametrize("role", Role.values)
def test_each_role_sees_its_account_and_no_other(role: str, log_in: LogIn, account: Account) -> None:
    browser, other = log_in(role), Account.objects.create(account_id="424242424242")
    try:
        for page in PAGES:
            answer = browser.get(page)
            assert answer.status_code == 200
            assert account.account_id in answer.content.decode()
            assert other.account_id not in answer.content.decode()
        for path in SCOPED_API:
            assert browser.get(path.format(account.account_id)).status_code == 200
            assert browser.get(path.format(other.account_id)).status_code == 403
        for path in (*GLOBAL_API, *ADMIN_API):
            assert browser.get(path).status_code == 403
        chosen = browser.post("/scope", {"account_id": other.account_id, "region": "us-east-1", "back": "/"})
        assert chosen.status_code == 403
    finally:
        other.delete()


@pytest.mark.parametrize(
    ("role", "may_forward", "may_reset"), [("viewer", False, False), ("operator", True, False), ("admin", True, True)]
)
def test_roles_change_what_they_may(
    role: str, may_forward: bool, may_reset: bool, log_in: LogIn, account: Account
) -> None:
    browser = log_in(role)
    arn = f"arn:aws:ecs:us-east-1:{account.account_id}:task/default/{'0' * 32}"
    forward = browser.post("/_simfra/port-forwards", {"targetArn": arn}, content_type="application/json")
    assert (forward.status_code != 403) is may_forward
    scope = {"accountId": account.account_id}
    fault = browser.post(
        "/_simfra/faults", {"scope": scope, "effect": {"type": "kill"}}, content_type="application/json"
    )
    assert (fault.status_code == 201) is may_forward
    elsewhere = {"scope": {"accountId": "424242424242"}, "effect": {"type": "kill"}}
    assert browser.post("/_simfra/faults", elsewhere, content_type="application/json").status_code == 403
    assert (browser.post("/faults/remove").status_code == 302) is may_forward
    assert (browser.get(f"/_simfra/accounts/{account.account_id}").status_code == 200) is may_reset
    reset = browser.post(f"/_simfra/accounts/{account.account_id}/reset")
    assert (reset.status_code == 200) is may_reset
    assert browser.get("/people/").status_code == 403


@pytest.mark.parametrize("role", Role.values)
def test_only_administrators_see_the_keys_of_the_root_user(role: str, log_in: LogIn, account: Account) -> None:
    browser = log_in(role)
    for client in ("cli", "boto3", "terraform"):
        page = browser.get(f"/?client={client}").content.decode()
        assert (account.root_secret_access_key in page) is (role == Role.ADMIN)


def test_an_administrator_of_everything_makes_users_and_tokens(log_in: LogIn, account: Account) -> None:
    browser = log_in("admin", EVERY_ACCOUNT)
    page = browser.get("/people/")
    assert page.status_code == 200
    wanted = {"name": "newcomer", "password": PASSWORD, "account": account.account_id, "role": "viewer"}
    assert browser.post("/people/users", wanted).status_code == 302
    user = get_user_model().objects.get(username="newcomer")
    assert [str(one) for one in user.memberships.all()] == [f"newcomer: viewer of {account.account_id}"]
    weak = browser.post("/people/users", {**wanted, "password": "short"})
    assert weak.status_code == 400
    assert "too short" in weak.content.decode()
    shown = browser.post("/people/tokens", {"name": "ci", "account": "*", "role": "viewer", "days": 1})
    assert "simfra_" in shown.content.decode()
    assert "simfra_" not in browser.get("/people/").content.decode()


def test_a_token_has_its_role_in_its_account_until_it_expires(log_in: LogIn, account: Account) -> None:
    headers: Any = bearer(account.account_id, "operator", log_in("admin", EVERY_ACCOUNT))
    assert Client().get(SCOPED_API[0].format(account.account_id), headers=headers).status_code == 200
    assert Client().get(SCOPED_API[0].format("999999999999"), headers=headers).status_code == 403
    assert Client().get("/_simfra/accounts", headers=headers).status_code == 403
    token = ApiToken.objects.latest("pk")
    assert token.last_used_at is not None
    secret = headers["authorization"].removeprefix("Bearer ")
    assert secret not in str(ApiToken.objects.filter(pk=token.pk).values())
    ApiToken.objects.filter(pk=token.pk).update(expires_at=token.created_at)
    assert Client().get(SCOPED_API[0].format(account.account_id), headers=headers).status_code == 403
    made_up = {"authorization": "Bearer x"}
    assert Client().get(SCOPED_API[0].format(account.account_id), headers=made_up).status_code == 403


def test_guessing_passwords_is_stopped(log_in: LogIn) -> None:
    get_user_model().objects.create_user("guessed", password=PASSWORD)
    browser = Client()
    answers = [browser.post("/login", {"username": "guessed", "password": f"wrong {n}"}) for n in range(6)]
    assert answers[-1].status_code == 429
    assert browser.post("/login", {"username": "guessed", "password": PASSWORD}).status_code == 429


def test_pages_of_other_sites_change_nothing(log_in: LogIn, account: Account) -> None:
    browser = log_in("admin")
    path = f"/_simfra/accounts/{account.account_id}/reset"
    assert browser.post(path, headers={"origin": "https://evil.example"}).status_code == 403
    assert browser.post(path, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert browser.post(path, headers={"origin": "http://testserver"}).status_code == 200


def test_forms_need_their_token(log_in: LogIn) -> None:
    browser = log_in("admin", EVERY_ACCOUNT)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    assert strict.post("/people/tokens", {"name": "x", "account": "*", "role": "viewer", "days": 1}).status_code == 403


def test_what_is_changed_is_written_down(log_in: LogIn, account: Account) -> None:
    browser = log_in("admin")
    browser.post(f"/_simfra/accounts/{account.account_id}/reset")
    entry = AuditEntry.objects.latest("pk")
    assert entry.who.startswith("admin-")
    assert (entry.method, entry.path) == ("POST", f"/_simfra/accounts/{account.account_id}/reset")
    assert (entry.of_account, entry.status) == (account.account_id, 200)
    told = log_in("admin", EVERY_ACCOUNT).get("/_simfra/audit?limit=5").json()
    assert any(one["path"] == entry.path for one in told)


def test_a_user_who_was_deleted_is_out_at_once(log_in: LogIn) -> None:
    browser = log_in("viewer")
    assert browser.get("/").status_code == 200
    get_user_model().objects.filter(memberships__role="viewer").delete()
    assert browser.get("/").status_code == 302


def test_whoever_has_no_role_sees_nothing(gateway: Any) -> None:
    get_user_model().objects.create_user("nobody-yet", password=PASSWORD)
    browser = Client()
    browser.post("/login", {"username": "nobody-yet", "password": PASSWORD})
    assert browser.get("/").status_code == 403


def test_on_a_machine_of_ones_own_nobody_logs_in(settings: Any, account: Account) -> None:
    settings.SIMFRA_LOGIN = False
    assert Client().get("/people/").status_code == 200
    assert Client().get("/_simfra/accounts", headers={"authorization": "Bearer "}).status_code == 200
    settings.SIMFRA_ADMIN_TOKEN = "secret"
    assert Client().get("/").status_code == 200
    for nothing in ({}, {"authorization": "Bearer "}):
        assert Client().get("/_simfra/accounts", headers=nothing).status_code == 403
    assert Client().get("/_simfra/accounts", headers={"authorization": "Bearer secret"}).status_code == 200
