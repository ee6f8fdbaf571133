"""Secrets and parameters: nothing secret is shown unasked, nothing typed is lost."""

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client

from tests.console.test_pages import page

Aws = Callable[..., Any]
SECRET = "hunter2-of-the-test"


@pytest.fixture
def stranger(gateway: Any) -> Client:
    client = Client()
    client.post("/scope", {"account_id": "999999999999", "region": "us-east-1", "back": "/"})
    return client


def test_a_secret_is_hidden_until_asked_for(browser: Client, aws: Aws, caplog: pytest.LogCaptureFixture) -> None:
    manager = aws("secretsmanager")
    version = manager.create_secret(Name="shop/database", SecretString=SECRET)["VersionId"]
    manager.put_secret_value(SecretId="shop/database", SecretString="the new one")
    assert SECRET not in page(browser, "/secrets/") + page(browser, "/secrets/of/shop/database")
    assert "AWSPREVIOUS" in page(browser, "/secrets/of/shop/database")
    assert browser.get("/secrets/reveal/shop/database").status_code == 405
    with caplog.at_level("INFO"):
        answer = browser.post("/secrets/reveal/shop/database", {"version": version})
    assert SECRET in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"
    assert version in caplog.text, "who asks is recorded"
    assert SECRET not in caplog.text
    assert "the new one" in browser.post("/secrets/reveal/shop/database").content.decode()


def test_a_secret_is_created_put_deleted_and_restored(browser: Client, aws: Aws) -> None:
    manager = aws("secretsmanager")
    assert "There is no secret" in page(browser, "/secrets/")
    created = browser.post("/secrets/", {"name": "key", "value": "one", "description": "of the shop"})
    assert "The secret was created." in page(browser, created["location"])
    assert browser.post("/secrets/put/key", {"value": "two"}).status_code == 302
    assert manager.get_secret_value(SecretId="key")["SecretString"] == "two"
    assert "can be restored" in page(browser, browser.post("/secrets/delete/key", {"days": "7"})["location"])
    assert "to be deleted" in page(browser, "/secrets/")
    assert browser.post("/secrets/restore/key").status_code == 302
    assert browser.post("/secrets/delete/key", {"days": "0"})["location"] == "/secrets/"
    assert browser.get("/secrets/of/key").status_code == 404


def test_a_refused_secret_is_kept_with_the_reason(browser: Client, aws: Aws) -> None:
    aws("secretsmanager").create_secret(Name="taken", SecretString="x")
    answer = browser.post("/secrets/", {"name": "taken", "value": "what I typed"})
    assert answer.status_code == 400
    assert "ResourceExistsException" in answer.content.decode()
    assert "what I typed" in answer.content.decode()
    too_long = browser.post("/secrets/put/taken", {"value": "y" * 65_537})
    assert too_long.status_code == 400
    assert "y" * 65_537 in too_long.content.decode()


def test_a_list_of_secrets_pages(browser: Client, aws: Aws) -> None:
    for number in range(55):
        aws("secretsmanager").create_secret(Name=f"many-{number:02}", SecretString="x")
    first = page(browser, "/secrets/")
    (following,) = [part for part in first.split('"') if part.startswith("?") and "marker=" in part]
    second = page(browser, "/secrets/" + unescape(following))
    shown = {f"many-{number:02}" for number in range(55)}
    assert {name for name in shown if name in first} | {name for name in shown if name in second} == shown


def test_parameters_are_browsed_by_their_hierarchy(browser: Client, aws: Aws) -> None:
    ssm = aws("ssm")
    for name in ("/shop/production/timeout", "/shop/production/retries", "/shop/region", "plain"):
        ssm.put_parameter(Name=name, Value="1", Type="String")
    top = page(browser, "/parameters/")
    assert '<a class="code" href="?path=/shop">/shop/</a>' in top
    assert "?name=plain" in top and "name=/shop" not in top
    below = page(browser, "/parameters/?path=/shop")
    assert "/shop/production/</a>" in below and "name=/shop/region" in below and "name=/shop/production" not in below
    assert "/shop/production/timeout" in page(browser, "/parameters/?path=/shop/production")


def test_a_secure_parameter_is_hidden_until_asked_for(browser: Client, aws: Aws) -> None:
    ssm = aws("ssm")
    ssm.put_parameter(Name="/key", Value=SECRET, Type="SecureString")
    ssm.put_parameter(Name="/key", Value="second " + SECRET, Type="SecureString", Overwrite=True)
    hidden = page(browser, "/parameters/one?name=/key")
    assert SECRET not in hidden and "••••••••" in hidden
    assert browser.get("/parameters/reveal?name=/key").status_code == 405
    shown = browser.post("/parameters/reveal", {"name": "/key"}).content.decode()
    assert f"second {SECRET}" in shown and f">{SECRET}<" in shown


def test_a_parameter_is_created_changed_refused_and_deleted(browser: Client, aws: Aws) -> None:
    typed = {"name": "/a/b c", "value": "kept", "type": "String"}
    answer = browser.post("/parameters/", typed)
    assert answer.status_code == 400
    assert "kept" in answer.content.decode() and "/a/b c" in unescape(answer.content.decode())
    created = browser.post("/parameters/", {**typed, "name": "/a/b"})
    assert "The parameter was saved." in page(browser, created["location"])
    assert browser.post("/parameters/put", {"name": "/a/b", "value": "2", "type": "String"}).status_code == 302
    text = page(browser, "/parameters/one?name=/a/b")
    assert text.index(">2<") < text.index(">kept<")
    assert aws("ssm").get_parameter(Name="/a/b")["Parameter"]["Value"] == "2"
    assert browser.post("/parameters/delete", {"name": "/a/b"})["location"] == "/parameters/?path=%2Fa"
    assert browser.get("/parameters/one?name=/a/b").status_code == 404


def test_another_account_sees_neither(stranger: Client, aws: Aws) -> None:
    aws("secretsmanager").create_secret(Name="mine", SecretString=SECRET)
    aws("ssm").put_parameter(Name="/mine", Value=SECRET, Type="String")
    assert "/secrets/of/mine" not in page(stranger, "/secrets/")
    assert "name=/mine" not in page(stranger, "/parameters/")
    assert stranger.get("/secrets/of/mine").status_code == 404
    assert stranger.post("/secrets/reveal/mine").status_code == 404
    assert stranger.get("/parameters/one?name=/mine").status_code == 404
    assert stranger.post("/parameters/reveal", {"name": "/mine"}).status_code == 404
