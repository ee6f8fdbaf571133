"""The admin API's description: complete, and kept by every answer."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern

from console.api.schema import api_document
from console.discovery import API, _gathered


def test_every_path_of_the_admin_api_is_described(gateway: Any, capsys: pytest.CaptureFixture[str]) -> None:
    api_document.cache_clear()
    document = api_document()
    assert document["openapi"].startswith("3.1")
    described = {re.sub(r"\{\w+\}", "{}", path) for path in document["paths"]}
    patterns: list[URLPattern] = list(_gathered(API, "urlpatterns"))
    missing = {re.sub(r"<[^>]+>", "{}", f"/{found.pattern}") for found in patterns} - described
    assert not missing
    assert capsys.readouterr().err == "", "no view is guessed at"


def test_each_operation_has_a_name_a_subject_and_words(gateway: Any) -> None:
    operations = [each for methods in api_document()["paths"].values() for each in methods.values()]
    names = [each["operationId"] for each in operations]
    assert len(set(names)) == len(names)
    assert not [each["operationId"] for each in operations if not each.get("description") or not each.get("tags")]


def test_the_description_and_its_page_are_served(gateway: Any) -> None:
    document = Client().get("/_simfra/schema").json()
    page = Client().get("/_simfra/docs").content.decode()
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}" in page
