"""The generic pages: every kind of resource, one resource, and the search over all."""

from collections.abc import Callable
from html import unescape
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils.text import slugify

from aws_api.core.resources import resource_types
from tests.console.test_pages import page

Aws = Callable[..., Any]


def test_every_kind_of_resource_has_a_list(browser: Client) -> None:
    overview = page(browser, "/resources/")
    for kind in resource_types():
        url = reverse("resources", args=[kind.service, slugify(kind.plural)])
        assert url in overview
        assert kind.plural.lower() in page(browser, url).lower()


def test_a_queue_is_listed_found_and_shown_with_its_command(browser: Client, aws: Aws) -> None:
    aws("sqs").create_queue(QueueName="orders-for-people")
    assert "orders-for-people" in page(browser, "/resources/sqs/queues/")
    assert "orders-for-people" in page(browser, "/search?q=for-people+orders")
    assert "orders-for-people" not in page(browser, "/search?q=nobody")
    shown = unescape(page(browser, "/resources/sqs/queues/orders-for-people"))
    assert "aws sqs get-queue-url --queue-name orders-for-people" in shown


def test_a_list_pages_and_filters(browser: Client, aws: Aws) -> None:
    ssm = aws("ssm")
    for number in range(60):
        ssm.put_parameter(Name=f"/listed/{number:02}", Value="x", Type="String")
    first = page(browser, "/resources/ssm/parameters/")
    assert "Page 1 of 2, 60 in all" in first
    assert "/listed/59" not in first
    assert "/listed/59" in page(browser, "/resources/ssm/parameters/?page=2")
    assert "/listed/07" not in page(browser, "/resources/ssm/parameters/?q=listed/59")


def test_a_resource_whose_name_has_slashes_has_a_page(browser: Client, aws: Aws) -> None:
    aws("ssm").put_parameter(Name="/a/b/c", Value="x", Type="String")
    assert "aws ssm get-parameter --name /a/b/c" in page(browser, "/resources/ssm/parameters//a/b/c")


def test_what_does_not_exist_is_not_found(browser: Client) -> None:
    assert browser.get("/resources/sqs/nothing/").status_code == 404
    assert browser.get("/resources/sqs/queues/nothing").status_code == 404
