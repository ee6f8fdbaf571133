"""The product as its user starts it, a shop in it, and Debian's Chromium."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, sync_playwright

from simfra.stack.engine import EngineError, find_engine
from simfra.testing import Simfra
from tests.browser.looking import DESK, Tab, pictures_folder
from tests.browser.product import Shop, fill
from tests.end_to_end.stack import Stack
from tests.support.images import busybox_image


@pytest.fixture(scope="package")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running instance on free ports."""
    port, console_port = _free_ports(2)
    instance = Stack(tmp_path_factory.mktemp("product"), port=port, console_port=console_port)
    try:
        instance.up()
        yield instance
    finally:
        instance.down()


@pytest.fixture(scope="package")
def shop(product: Stack) -> Shop:
    """A filled account."""
    return fill(Simfra(product.endpoint).create_account(alias="shop"), image=_image())


@pytest.fixture(scope="package")
def chromium() -> Iterator[BrowserContext]:
    """One browser for all tests; its clipboard may be written, as on localhost for people.

    Of this package alone: while Playwright runs, no other event loop can run in this thread.
    """
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("There is no chromium: `manage.py test --provision` installs Debian's.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser.new_context(viewport=DESK, permissions=["clipboard-read", "clipboard-write"])
        browser.close()


@pytest.fixture
def tab(chromium: BrowserContext, product: Stack, shop: Shop, pictures: Path) -> Iterator[Tab]:
    """A tab that shows the shop's account. Whatever test uses it, it ends without a fault."""
    opened = Tab(chromium, product.console, pictures)
    opened.look_at(shop.account.id)
    try:
        yield opened
    finally:
        opened.page.close()
    assert opened.faults == []


@pytest.fixture(scope="package")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pictures_folder(tmp_path_factory.mktemp("pictures"))


def _image() -> str | None:
    try:
        find_engine()
    except EngineError:
        return None
    return busybox_image()


def _free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
