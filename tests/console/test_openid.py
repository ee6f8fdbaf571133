"""Logging in at an OpenID provider: a small one of the test's own, over real HTTP, with real signatures."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import clear_url_caches, include, path

from console.models import EVERY_ACCOUNT

EMAIL = "Ann@example.com"
_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int) -> str:
    return _base64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Provider(ThreadingHTTPServer):
    """Vouches for EMAIL to whoever brings the code."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.nonce = ""

    def id_token(self) -> str:
        claims = {"sub": "1", "email": EMAIL, "nonce": self.nonce, "aud": "simfra", "iss": self.url}
        times = {"iat": int(time.time()), "exp": int(time.time()) + 60}
        parts = [{"alg": "RS256", "kid": "1", "typ": "JWT"}, {**claims, **times}]
        signed = ".".join(_base64(json.dumps(part).encode()) for part in parts)
        signature = _KEY.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_base64(signature)}"


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        if self.path == "/jwks":
            numbers = _KEY.public_key().public_numbers()
            key = {"kty": "RSA", "kid": "1", "alg": "RS256", "n": _number(numbers.n), "e": _number(numbers.e)}
            self._answer({"keys": [key]})
        else:
            self._answer({"sub": "1", "email": EMAIL})

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        assert form["code"] == ["the-code"]
        self._answer({"id_token": self.server.id_token(), "access_token": "a", "token_type": "Bearer"})

    def _answer(self, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def provider(gateway: Any, settings: Any) -> Iterator[Provider]:
    """A provider that runs, and a Simfra that trusts it."""
    import console.urls

    server = Provider()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings.SIMFRA_LOGIN = True
    settings.SIMFRA_OIDC_ROLE = "viewer"
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    settings.OIDC_RP_CLIENT_ID = "simfra"
    settings.OIDC_RP_CLIENT_SECRET = "secret"
    settings.OIDC_OP_AUTHORIZATION_ENDPOINT = f"{server.url}/authorize"
    settings.OIDC_OP_TOKEN_ENDPOINT = f"{server.url}/token"
    settings.OIDC_OP_USER_ENDPOINT = f"{server.url}/user"
    settings.OIDC_OP_JWKS_ENDPOINT = f"{server.url}/jwks"
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, "console.oidc.OpenIdBackend"]
    paths = path("oidc/", include("mozilla_django_oidc.urls"))
    console.urls.urlpatterns.append(paths)
    clear_url_caches()
    yield server
    console.urls.urlpatterns.remove(paths)
    clear_url_caches()
    server.shutdown()
    server.server_close()
    thread.join()


def log_in(browser: Client, provider: Provider) -> Any:
    """What the browser does between clicking the link and being back."""
    there = browser.get("/oidc/authenticate/?next=/")
    assert there.status_code == 302
    asked = parse_qs(urlsplit(there.headers["Location"]).query)
    provider.nonce = asked["nonce"][0]
    return browser.get("/oidc/callback/", {"code": "the-code", "state": asked["state"][0]})


def test_a_user_of_the_provider_logs_in_and_may_look(provider: Provider) -> None:
    browser = Client()
    assert b"Log in with OpenID" in browser.get("/login").content
    assert log_in(browser, provider).status_code == 302
    assert browser.get("/").status_code == 200
    user = get_user_model().objects.get(email=EMAIL)
    assert user.username == "ann@example.com"
    assert [(one.of_account, one.role) for one in user.memberships.all()] == [(EVERY_ACCOUNT, "viewer")]
    assert browser.get("/people/").status_code == 403


def test_an_answer_with_another_nonce_lets_nobody_in(provider: Provider) -> None:
    browser = Client()
    there = browser.get("/oidc/authenticate/")
    provider.nonce = "replayed"
    state = parse_qs(urlsplit(there.headers["Location"]).query)["state"][0]
    browser.get("/oidc/callback/", {"code": "the-code", "state": state})
    assert browser.get("/").status_code == 302
