"""What the console is made of, found by being there.

A module of ``console.pages``, ``console.api`` or ``console.live`` offers ``urlpatterns`` or ``websocket_urlpatterns``;
a page that people navigate to says so in ``NAVIGATION``. Adding a page is adding a module.
"""

import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

from console.navigation import Link

PAGES, API, LIVE = "console.pages", "console.api", "console.live"


def urlpatterns() -> list[Any]:
    """The paths of all pages and of the admin API."""
    return [*page_urlpatterns(), *api_urlpatterns()]


def page_urlpatterns() -> list[Any]:
    """The paths of all pages, and of what their forms are sent to."""
    return list(_gathered(PAGES, "urlpatterns"))


def api_urlpatterns() -> list[Any]:
    """The paths of the admin API."""
    return list(_gathered(API, "urlpatterns"))


def websocket_urlpatterns() -> list[Any]:
    """The paths of all live consumers."""
    return list(_gathered(LIVE, "websocket_urlpatterns"))


@cache
def links() -> tuple[Link, ...]:
    """What the navigation offers, in its order."""
    return tuple(sorted(_gathered(PAGES, "NAVIGATION"), key=lambda link: link.place))


def _gathered(package: str, attribute: str) -> Iterator[Any]:
    for module in sorted(pkgutil.iter_modules(import_module(package).__path__), key=lambda found: found.name):
        yield from getattr(import_module(f"{package}.{module.name}"), attribute, ())
